import { BlockList, isIPv6, isIP } from 'node:net';

export interface AddressRange {
  readonly address: string;
  readonly prefix: number;
  readonly family: 4 | 6;
}

/**
 * Addresses of metadata services, where nodes get credentials: link-local (all clouds; also for their containers), AWS
 * and EKS on IPv6, GCP on IPv6, Alibaba, Azure's wire server. 169.254.169.254 is named besides its range, so that it is
 * never spared as a nameserver.
 */
export const METADATA_ADDRESSES =
  '169.254.0.0/16,169.254.169.254,fd00:ec2::254,fd00:ec2::23,fd20:ce::254,100.100.100.200,168.63.129.16';

/** Parses a comma-separated list. @returns undefined where an item is neither an address nor a range */
export function parseRanges(text: string): AddressRange[] | undefined {
  const ranges = text.split(',').map((part) => parseRange(part.trim()));
  return ranges.every((range) => range !== undefined) ? ranges : undefined;
}

export function isSingle({ prefix, family }: AddressRange): boolean {
  return prefix === widthOf(family);
}

export function textOf({ address, prefix }: AddressRange): string {
  return `${address}/${prefix}`;
}

export function contains({ address, prefix, family }: AddressRange, other: string): boolean {
  const list = new BlockList();
  list.addSubnet(address, prefix, nameOf(family));
  return list.check(other, nameOf(isIPv6(other) ? 6 : 4));
}

function parseRange(text: string): AddressRange | undefined {
  const [address = '', prefix] = text.split('/');
  const family = isIP(address);
  if ((family !== 4 && family !== 6) || text.split('/').length > 2 || address.includes('%')) return undefined;
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return undefined;
  const bits = prefix === undefined ? widthOf(family) : Number(prefix);
  return bits >= 1 && bits <= widthOf(family) ? { address, prefix: bits, family } : undefined;
}

function widthOf(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

function nameOf(family: 4 | 6): 'ipv4' | 'ipv6' {
  return family === 4 ? 'ipv4' : 'ipv6';
}
