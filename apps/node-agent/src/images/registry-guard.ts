import { lookup } from 'node:dns/promises';
import { requireAllowedImage } from '@fsb/api/allowed-registries';
import { ApiError } from '@fsb/api/errors';
import { type AddressRange, contains, parseRanges } from '../network/address-range';

/** Ranges closed to pulls: loopback, link-local, multicast, unspecified. */
const CLOSED = parseRanges('0.0.0.0/8,127.0.0.0/8,169.254.0.0/16,224.0.0.0/4,::/128,::1/128,fe80::/10,ff00::/8') ?? [];
/** The registry host behind docker.io. */
const DOCKER_HUB = 'registry-1.docker.io';
const LOOKUP_MS = 5_000;

export interface RegistryRules {
  readonly allowedRegistries: readonly string[];
  /** closed in addition to {@link CLOSED} */
  readonly blockedAddresses: readonly AddressRange[];
  /** open even where a range above closes them */
  readonly registryAddresses: readonly AddressRange[];
}

/** Decides which registries the node may pull from. */
export class RegistryGuard {
  constructor(private readonly rules: RegistryRules) {}

  /** @param image normalised @throws ApiError invalid_argument */
  requireAllowed(image: string): void {
    requireAllowedImage(image, this.rules.allowedRegistries, '--allowed-registries of the agent');
  }

  /**
   * Checks the addresses of the image's registry. A name that does not resolve is left to containerd, which may know a
   * mirror for it. Redirects by the registry, and addresses that its name gets later (DNS rebinding), are not seen.
   * @throws ApiError invalid_argument
   */
  async requireReachable(image: string): Promise<void> {
    const host = hostOf(image);
    const addresses = await addressesOf(host);
    if (addresses.every((address) => isOpen(address, this.rules))) return;
    const message = `image: registry ${host} is at an address of the node itself, of its link, or at a blocked one; the agent's --registry-addresses opens such ranges`;
    throw new ApiError('invalid_argument', message);
  }
}

/** Whether the node may pull from an address. Pure. */
export function isOpen(
  address: string,
  { blockedAddresses, registryAddresses }: Pick<RegistryRules, 'blockedAddresses' | 'registryAddresses'>,
): boolean {
  const isIn = (ranges: readonly AddressRange[]): boolean => ranges.some((range) => contains(range, address));
  return isIn(registryAddresses) || !(isIn(CLOSED) || isIn(blockedAddresses));
}

/** @returns the host of a normalised name, without its port */
export function hostOf(image: string): string {
  const registry = image.split('/')[0] ?? '';
  if (registry === 'docker.io') return DOCKER_HUB;
  return registry.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

async function addressesOf(host: string): Promise<string[]> {
  const limit = AbortSignal.timeout(LOOKUP_MS);
  const late = new Promise<never>((_, reject) => {
    limit.addEventListener('abort', () => {
      reject(new Error('no answer'));
    });
  });
  try {
    const found = await Promise.race([lookup(host, { all: true }), late]);
    return found.map(({ address }) => address);
  } catch {
    return []; // containerd reports what is wrong with the name
  }
}
