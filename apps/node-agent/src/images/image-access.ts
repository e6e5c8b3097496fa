import { type ImageInfo, type RegistryAuth } from '@fsb/containerd/image-store';
import { credentialsHash, type PullProof, type PullRecord } from '@fsb/containerd/pull-record';
import { type PullRecords } from '@fsb/containerd/pull-records';
import { setLatest } from '@fsb/kit/set-latest';

/** The kubelet's names. */
export const VERIFICATION_POLICIES = ['NeverVerify', 'NeverVerifyPreloadedImages', 'AlwaysVerify'] as const;
export type VerificationPolicy = (typeof VERIFICATION_POLICIES)[number];

/** Who asks for an image. */
export interface Asker {
  readonly namespace: string;
  /** for the image's registry; undefined: none were shown */
  readonly auth: RegistryAuth | undefined;
}

/** As many as images are remembered. */
const MAX_KNOWN = 256;

/** Whether an image that the node has may be given to who asks (KEP-2535), without asking its registry. */
export class ImageAccess {
  /** by name and digest; a record only grows, so that a yes stays one */
  private readonly known = new Map<string, PullRecord>();

  constructor(
    private readonly records: PullRecords,
    private readonly policy: VerificationPolicy,
  ) {}

  async allows(image: ImageInfo, asker: Asker): Promise<boolean> {
    const before = this.known.get(keyOf(image));
    if (before && mayHave(before, this.policy, image.digest, asker)) return true;
    return mayHave(await this.read(image), this.policy, image.digest, asker); // another agent may have written it
  }

  /** Reads the image's record ahead, so that its first create does not wait for containerd. */
  async remember(image: ImageInfo): Promise<void> {
    if (!this.known.has(keyOf(image))) await this.read(image);
  }

  /** It was pulled for `asker` just now. */
  async pulled(image: ImageInfo, { namespace, auth }: Asker): Promise<void> {
    const proof: PullProof | undefined = auth && { namespace, credentials: credentialsHash(image.digest, auth) };
    await this.records.add(image, proof);
  }

  private async read(image: ImageInfo): Promise<PullRecord> {
    const key = keyOf(image);
    const record = await this.records.of(image);
    setLatest(this.known, key, record, MAX_KNOWN);
    return record;
  }
}

function keyOf({ name, digest }: ImageInfo): string {
  return `${digest} ${name}`;
}

/**
 * Who shows credentials needs to have pulled the image with those, in whatever namespace. Who shows none is taken at the word of
 * his namespace: whoever may make sandboxes there may name its pull secrets as well. Pure.
 */
export function mayHave(
  { isPulled, isPublic, proofs }: PullRecord,
  policy: VerificationPolicy,
  digest: string,
  { namespace, auth }: Asker,
): boolean {
  if (policy === 'NeverVerify' || isPublic) return true;
  if (!isPulled && policy !== 'AlwaysVerify') return true;
  if (!auth) return proofs.some((proof) => proof.namespace === namespace);
  const credentials = credentialsHash(digest, auth);
  return proofs.some((proof) => proof.credentials === credentials);
}
