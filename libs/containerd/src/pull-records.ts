import { isApiError } from '@fsb/api/errors';
import { type ContainerdClient } from './containerd-client';
import { type ImageInfo } from './image-store';
import { type PullProof, type PullRecord, pullRecordOf, recordLabel, withProof } from './pull-record';

type Pulled = Pick<ImageInfo, 'name' | 'digest'>;

/** The record of missing content: pulled, and by nobody known. */
const UNKNOWN: PullRecord = { isPulled: true, isPublic: false, proofs: [] };

/**
 * Records of pulls, as labels of the image's content: shared by all agents of the node, kept across restarts, and
 * removed with the image.
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

  /** Adds a pull. Of two concurrent adds one may be lost; its caller then pulls again. @param proof as in withProof */
  async add(image: Pulled, proof: PullProof | undefined): Promise<void> {
    const label = recordLabel(image.name);
    const labels = { [label]: withProof(await this.of(image), proof) };
    await this.client.content.update({
      info: { digest: image.digest, size: 0, labels },
      updateMask: [`labels.${label}`],
    });
  }
}
