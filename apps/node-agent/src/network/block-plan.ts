import { isIPv6 } from 'node:net';
import { type AddressRange, contains, isSingle, textOf } from './address-range';

/** The route to a nameserver before anything is blocked. */
export interface NameserverRoute {
  readonly address: string;
  readonly device: string;
  readonly gateway?: string | undefined;
}

/**
 * Nameservers that a blocked range would cut off, such as a node-local cache with its link-local address. One that is
 * blocked as a single address stays blocked. Pure.
 */
export function sparedNameservers(blocked: readonly AddressRange[], nameservers: readonly string[]): string[] {
  const isIn = (address: string, single: boolean): boolean =>
    blocked.some((range) => isSingle(range) === single && contains(range, address));
  return nameservers.filter((address) => isIn(address, false) && !isIn(address, true));
}

/**
 * Lines for `ip -batch` that add unreachable routes (EHOSTUNREACH). Only a socket bound to a device could bypass them,
 * which the sandboxes' seccomp profile forbids. A more specific route stays: a CNI's gateway may be link-local. Pure.
 */
export function blockPlan(
  blocked: readonly AddressRange[],
  hasIpv6: boolean,
  spared: readonly NameserverRoute[],
): string[] {
  const reachable = blocked.filter(({ family }) => family === 4 || hasIpv6);
  return [
    ...spared.map(({ address, device, gateway }) => {
      const via = gateway === undefined ? '' : `via ${gateway} `;
      return `route replace ${address}/${isIPv6(address) ? 128 : 32} ${via}dev ${device}`;
    }),
    // on IPv6 another route of the same range with a lower metric would win
    ...reachable.map((range) => `route replace unreachable ${textOf(range)}${range.family === 6 ? ' metric 1' : ''}`),
  ];
}
