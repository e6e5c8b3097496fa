const SUBNETS = 256;

export interface Route {
  /** `10.0.0.0/8`, `10.1.2.3` or `default` */
  readonly destination: string;
  readonly device: string;
}

/**
 * A subnet 10.88.<n>.0/24 that overlaps no other route.
 * @param ownBridge bridge whose routes are ignored
 * @param start the n that is tried first, others follow in turn; random, so that two stacks that start together differ
 * @throws Error when all are taken
 */
export function freeSubnet(routes: readonly Route[], ownBridge: string, start: number): string {
  const foreign = routes.filter(({ destination, device }) => destination !== 'default' && device !== ownBridge);
  for (let i = 0; i < SUBNETS; i++) {
    const candidate = `10.88.${(start + i) % SUBNETS}.0/24`;
    if (!foreign.some(({ destination }) => overlaps(candidate, destination))) return candidate;
  }
  throw new Error('every subnet of 10.88.0.0/16 is routed elsewhere on this machine');
}

export function gatewayOf(subnet: string): string {
  return subnet.replace(/\.0\/24$/, '.1');
}

/** Parses `ip -4 route show table all`, one route per line; local, broadcast and other routes begin with their type. */
export function parseRoutes(text: string): Route[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(?:local |broadcast |unreachable |blackhole )?(default|[\d./]+)\b.*?(?: dev (\S+)|$)/.exec(line);
    return match?.[1] === undefined ? [] : [{ destination: match[1], device: match[2] ?? '' }];
  });
}

function overlaps(a: string, b: string): boolean {
  const [x, y] = [parse(a), parse(b)];
  const bits = Math.min(x.bits, y.bits);
  return bits === 0 || x.address >>> (32 - bits) === y.address >>> (32 - bits);
}

function parse(cidr: string): { address: number; bits: number } {
  const [address = '', bits = '32'] = cidr.split('/');
  // ip(8) may omit zeros, as in 10.88/16
  const numbers = [...address.split('.').map(Number), 0, 0, 0].slice(0, 4);
  return { address: numbers.reduce((sum, part) => sum * 256 + part, 0) >>> 0, bits: Number(bits) };
}
