import { requireAllowedImage } from '@fsb/api/allowed-registries';
import { type SandboxPool } from '@fsb/api/sandbox-pool';

/** Whoever places asks: gateway and sandbox-controller. @param image normalised @throws ApiError invalid_argument */
export function requirePoolsRegistry(image: string, { metadata, spec }: SandboxPool): void {
  const { allowedRegistries } = spec;
  if (allowedRegistries === undefined) return;
  requireAllowedImage(image, allowedRegistries, `spec.allowedRegistries of SandboxPool "${metadata.name ?? ''}"`);
}
