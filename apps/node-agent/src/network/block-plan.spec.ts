import { METADATA_ADDRESSES, parseRanges } from './address-range';
import { blockPlan, sparedNameservers } from './block-plan';

const ranges = (text: string) => parseRanges(text) ?? [];

it.each([
  ['', undefined],
  ['169.254.169.254,', undefined],
  ['169.254.169', undefined],
  ['10.0.0.0/33', undefined],
  ['0.0.0.0/0', undefined],
  ['10.0.0.0/8/8', undefined],
  ['10.0.0.0/', undefined],
  ['fe80::1%eth0', undefined],
  ['metadata.google.internal', undefined],
  ['169.254.169.254', [{ address: '169.254.169.254', prefix: 32, family: 4 }]],
  [
    'fd00:ec2::254, 100.64.0.0/10',
    [
      { address: 'fd00:ec2::254', prefix: 128, family: 6 },
      { address: '100.64.0.0', prefix: 10, family: 4 },
    ],
  ],
])('parseRanges: "%s"', (text, parsed) => {
  expect(parseRanges(text)).toEqual(parsed);
});

it('blockPlan: makes each range unreachable, on IPv6 with the lowest metric', () => {
  expect(blockPlan(ranges('169.254.0.0/16,fd00:ec2::254'), true, [])).toEqual([
    'route replace unreachable 169.254.0.0/16',
    'route replace unreachable fd00:ec2::254/128 metric 1',
  ]);
});

it('blockPlan: omits IPv6 ranges where there is no IPv6', () => {
  expect(blockPlan(ranges('10.0.0.1,fd00:ec2::254'), false, [])).toEqual(['route replace unreachable 10.0.0.1/32']);
});

it('blockPlan: keeps the route to a nameserver in a range, before the range is blocked', () => {
  const spared = [
    { address: '169.254.20.10', device: 'eth0', gateway: '10.0.0.1' },
    { address: '169.254.20.11', device: 'eth0' },
  ];
  expect(blockPlan(ranges('169.254.0.0/16'), true, spared)).toEqual([
    'route replace 169.254.20.10/32 via 10.0.0.1 dev eth0',
    'route replace 169.254.20.11/32 dev eth0',
    'route replace unreachable 169.254.0.0/16',
  ]);
});

it.each([
  ['nothing for a cluster service outside', ['10.96.0.10'], []],
  ['a node-local cache', ['169.254.20.10', '10.96.0.10'], ['169.254.20.10']],
  ['nothing for the metadata service itself', ['169.254.169.254'], []],
  ['nothing for others on IPv6', ['fd00:ec2::253', '2001:db8::1'], []],
])('sparedNameservers: %s', (_what, nameservers, spared) => {
  expect(sparedNameservers(ranges(METADATA_ADDRESSES), nameservers)).toEqual(spared);
});
