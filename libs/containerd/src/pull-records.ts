import { isApiError } from '@fsb/api/errors';
import { type ContainerdClient } from './containerd-client';
import { type ImageInfo } from './image-store';
import { type PullProof, type PullRecord, pullRecordOf, recordLabel, withProof } from './pull-record';

type Pulled = Pick<ImageInfo, 'name' | 'digest'>;

/** Of content that is not there nothing can be said in anybody's favour. */
const UNKNOWN: PullRecord = { isPulled: true, isPublic: false, proofs: [] };

/**
 * Who has pulled which image, as labels of its content: all agents of the node read them, they outlive every process, and go
 * with the image.
 */
export class PullRecords {
  constructor(private readonly client: ContainerdClient) {}

  async of({ name, digest }: Pulled): Promise<PullRecord> {
    try {
      const { info } = await this.client.content.info({ digest });
      return pullRecordOf(info?.labels ?? {}, name);
    } catch (error) {
      if (isApiError(error, 'not_found')) return UNKNOWN;
      throw error;
    }
  }

  /** Two who add at once may lose one of the two, who then pulls again. @param proof undefined: without credentials */
  async add(image: Pulled, proof: PullProof | undefined): Promise<void> {
    const label = recordLabel(image.name);
    const labels = { [label]: withProof(await this.of(image), proof) };
    await this.client.content.update({
      info: { digest: image.digest, size: 0, labels },
      updateMask: [`labels.${label}`],
    });
  }
}
