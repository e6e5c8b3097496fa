import { type ImageInfo, type RegistryAuth } from '@fsb/containerd/image-store';
import { credentialsHash, type PullProof, type PullRecord } from '@fsb/containerd/pull-record';
import { type PullRecords } from '@fsb/containerd/pull-records';
import { setBounded } from '@fsb/kit/set-bounded';

/** The kubelet's image pull credentials verification policies. */
export const VERIFICATION_POLICIES = ['NeverVerify', 'NeverVerifyPreloadedImages', 'AlwaysVerify'] as const;
export type VerificationPolicy = (typeof VERIFICATION_POLICIES)[number];

/** The requester of an image. */
export interface ImageRequester {
  readonly namespace: string;
  /** credentials for the image's registry; undefined: none were sent */
  readonly auth: RegistryAuth | undefined;
}

/** Pull records remembered: as many as images. */
const MAX_KNOWN = 256;

/** Decides whether a requester may have an image that the node has (KEP-2535), without asking its registry. */
export class ImageAccess {
  /** by digest and name; a record only grows, so that a positive answer stays valid */
  private readonly known = new Map<string, PullRecord>();

  constructor(
    private readonly records: PullRecords,
    private readonly policy: VerificationPolicy,
  ) {}

  async allows(image: ImageInfo, asker: ImageRequester): Promise<boolean> {
    const before = this.known.get(keyOf(image));
    if (before && isAllowed(before, this.policy, image.digest, asker)) return true;
    return isAllowed(await this.read(image), this.policy, image.digest, asker); // another agent may have written it
  }

  /** Reads the image's record ahead, so that its first create does not wait for containerd. */
  async remember(image: ImageInfo): Promise<void> {
    if (!this.known.has(keyOf(image))) await this.read(image);
  }

  /** Records that the image was pulled for `asker`. */
  async pulled(image: ImageInfo, { namespace, auth }: ImageRequester): Promise<void> {
    const proof: PullProof | undefined = auth && { namespace, credentials: credentialsHash(image.digest, auth) };
    await this.records.add(image, proof);
  }

  private async read(image: ImageInfo): Promise<PullRecord> {
    const key = keyOf(image);
    const record = await this.records.of(image);
    setBounded(this.known, key, record, MAX_KNOWN);
    return record;
  }
}

function keyOf({ name, digest }: ImageInfo): string {
  return `${digest} ${name}`;
}

/**
 * Whether the requester may have the image. With credentials: if they have pulled it before, in any namespace. Without:
 * if its namespace has, since a caller that may make sandboxes there may also name the namespace's pull secrets. Pure.
 */
export function isAllowed(
  { isPulled, isPublic, proofs }: PullRecord,
  policy: VerificationPolicy,
  digest: string,
  { namespace, auth }: ImageRequester,
): boolean {
  if (policy === 'NeverVerify' || isPublic) return true;
  if (!isPulled && policy !== 'AlwaysVerify') return true;
  if (!auth) return proofs.some((proof) => proof.namespace === namespace);
  const credentials = credentialsHash(digest, auth);
  return proofs.some((proof) => proof.credentials === credentials);
}
