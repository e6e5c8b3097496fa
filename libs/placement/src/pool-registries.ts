import { requireAllowedImage } from '@fsb/api/allowed-registries';
import { type SandboxPool } from '@fsb/api/sandbox-pool';

/**
 * Checks an image against the pool's allowed registries, in every allocator.
 * @param image normalised
 * @throws ApiError invalid_argument when the pool has a list and no entry covers the image
 */
export function requirePoolsRegistry(image: string, { metadata, spec }: SandboxPool): void {
  const { allowedRegistries } = spec;
  if (allowedRegistries === undefined) return;
  requireAllowedImage(image, allowedRegistries, `spec.allowedRegistries of SandboxPool "${metadata.name ?? ''}"`);
}
