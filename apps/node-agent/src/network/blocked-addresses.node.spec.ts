import { execFileSync } from 'node:child_process';
import { METADATA_ADDRESSES, parseRanges } from './address-range';
import { BlockedAddresses } from './blocked-addresses';
import { IpCommand } from './ip-command';

const NAME = `fsb-block-${process.pid}`;
const NAMESPACE = `/run/netns/${NAME}`;
const ranges = parseRanges(METADATA_ADDRESSES) ?? [];
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });
const refusing = (...args: string[]): string[] =>
  ip(...args, 'route', 'show', 'type', 'unreachable')
    .split('\n')
    .map((line) => line.replace('unreachable ', '').split(' ')[0]!)
    .filter(Boolean);

describe('BlockedAddresses', () => {
  beforeAll(() => {
    ip('netns', 'add', NAME);
    ip('-n', NAME, 'link', 'set', 'lo', 'up');
    ip('-n', NAME, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'peer');
    ip('-n', NAME, 'address', 'add', '10.0.0.2/24', 'dev', 'eth0');
    for (const device of ['eth0', 'peer']) ip('-n', NAME, 'link', 'set', device, 'up');
    ip('-n', NAME, 'route', 'add', 'default', 'via', '10.0.0.1');
  });
  afterAll(() => ip('netns', 'delete', NAME));

  it('get the route to a nameserver from IpCommand', async () => {
    const command = new IpCommand(NAMESPACE);
    expect(await command.routeTo('169.254.20.10')).toEqual({
      address: '169.254.20.10',
      device: 'eth0',
      gateway: '10.0.0.1',
    });
    expect(await command.routeTo('10.0.0.9')).toEqual({ address: '10.0.0.9', device: 'eth0', gateway: undefined });
  });

  it('are unreachable, also after a second start', async () => {
    for (let start = 0; start < 2; start++) await new BlockedAddresses(NAMESPACE, ranges).onModuleInit();
    expect(refusing('-4', '-n', NAME).sort()).toEqual([
      '100.100.100.200',
      '168.63.129.16',
      '169.254.0.0/16',
      '169.254.169.254',
    ]);
    expect(refusing('-6', '-n', NAME).sort()).toEqual(['fd00:ec2::23', 'fd00:ec2::254', 'fd20:ce::254']);
    expect(await new IpCommand(NAMESPACE).routeTo('169.254.20.10')).toBeUndefined();
  });

  it("change nothing in the machine's own network", async () => {
    const before = ip('route');
    await new BlockedAddresses('/proc/self/ns/net', ranges).onModuleInit();
    expect(ip('route')).toBe(before);
  });

  it.each([
    ['a missing namespace', '/run/netns/no-such', ranges],
    ['a range that the kernel rejects', NAMESPACE, parseRanges('169.254.0.0/16,10.0.0.1/8') ?? []],
  ])('fail the start with %s', async (_what, namespace, blocked) => {
    await expect(new BlockedAddresses(namespace, blocked).onModuleInit()).rejects.toThrow(
      /cannot block 169.254.0.0\/16, .*needs iproute2 and NET_ADMIN; --blocked-addresses=none/s,
    );
  });
});
