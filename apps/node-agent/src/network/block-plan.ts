import { isIPv6 } from 'node:net';
import { type AddressRange, contains, isSingle, textOf } from './address-range';

/** How a nameserver is reached before anything is blocked. */
export interface NameserverRoute {
  readonly address: string;
  readonly device: string;
  readonly gateway?: string | undefined;
}

/** The nameservers that a range would cut off: a node-local cache has a link-local address. One that is named itself stays blocked. */
export function sparedNameservers(blocked: readonly AddressRange[], nameservers: readonly string[]): string[] {
  const isIn = (address: string, single: boolean): boolean =>
    blocked.some((range) => isSingle(range) === single && contains(range, address));
  return nameservers.filter((address) => isIn(address, false) && !isIn(address, true));
}

/**
 * Lines for `ip -batch`. Routes that refuse at once (EHOSTUNREACH); only a socket that is bound to a device would pass them by,
 * and the sandboxes' seccomp profile has none. A more specific route stays: a CNI's gateway may be link-local.
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
    // on IPv6 another of the same range, and a lower metric, would come first
    ...reachable.map((range) => `route replace unreachable ${textOf(range)}${range.family === 6 ? ' metric 1' : ''}`),
  ];
}
