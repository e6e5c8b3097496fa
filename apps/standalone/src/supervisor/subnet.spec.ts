import { freeSubnet, gatewayOf, parseRoutes } from './subnet';

const ROUTES = `default via 192.0.2.1 dev eth0
10.88.7.0/24 dev fsb-aaaaaaaa proto kernel scope link src 10.88.7.1
local 10.88.8.1 dev other table local proto kernel scope host src 10.88.8.1
broadcast 192.0.2.255 dev eth0 table local proto kernel scope link src 192.0.2.2
unreachable 10.88.10.0/23
`;

describe('freeSubnet', () => {
  it.each([
    ['takes the first candidate when it is free', 3, 'none', '10.88.3.0/24'],
    ['skips candidates that are routed elsewhere', 7, 'none', '10.88.9.0/24'],
    ['ignores the routes of its own bridge', 7, 'fsb-aaaaaaaa', '10.88.7.0/24'],
    ['skips candidates below a wider route', 10, 'none', '10.88.12.0/24'],
    ['takes the last candidate', 255, 'none', '10.88.255.0/24'],
  ])('%s', (_what, start, bridge, expected) => {
    expect(freeSubnet(parseRoutes(ROUTES), bridge, start)).toBe(expected);
  });

  it('throws when the whole range is routed elsewhere', () => {
    expect(() => freeSubnet([{ destination: '10.0.0.0/8', device: 'vpn0' }], 'none', 0)).toThrow(/10\.88\.0\.0\/16/);
  });

  it('gatewayOf: is the first address', () => {
    expect(gatewayOf('10.88.12.0/24')).toBe('10.88.12.1');
  });
});
