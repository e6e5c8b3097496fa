import { freeSubnet, gatewayOf, parseRoutes } from './subnet';

const ROUTES = `default via 192.0.2.1 dev eth0
10.88.7.0/24 dev fsb-aaaaaaaa proto kernel scope link src 10.88.7.1
local 10.88.8.1 dev other table local proto kernel scope host src 10.88.8.1
broadcast 192.0.2.255 dev eth0 table local proto kernel scope link src 192.0.2.2
unreachable 10.88.10.0/23
`;

describe('the subnet of a stack', () => {
  it.each([
    ['a free one is taken as it is', 3, 'none', '10.88.3.0/24'],
    ['one that is routed elsewhere is passed over, and the next', 7, 'none', '10.88.9.0/24'],
    ['its own bridge does not stand in its way', 7, 'fsb-aaaaaaaa', '10.88.7.0/24'],
    ['a wider route covers it', 10, 'none', '10.88.12.0/24'],
    ['after the last comes the first', 255, 'none', '10.88.255.0/24'],
  ])('%s', (_what, start, bridge, expected) => {
    expect(freeSubnet(parseRoutes(ROUTES), bridge, start)).toBe(expected);
  });

  it('says so when the whole range is somebody else’s', () => {
    expect(() => freeSubnet([{ destination: '10.0.0.0/8', device: 'vpn0' }], 'none', 0)).toThrow(/10\.88\.0\.0\/16/);
  });

  it('has its bridge at the first address', () => {
    expect(gatewayOf('10.88.12.0/24')).toBe('10.88.12.1');
  });
});
