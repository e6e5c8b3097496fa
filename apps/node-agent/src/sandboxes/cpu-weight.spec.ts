import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuSharesOf, ownCpuShares } from './cpu-weight';

describe('The weight of a sandbox beside its agent', () => {
  it.each([
    ['without a limit', undefined, { limit: 2, slots: 40, agentShares: 1024 }, 25],
    ['with all that the agent may have', 2, { limit: 2, slots: 40, agentShares: 1024 }, 25],
    ['with a quarter of it', 0.5, { limit: 2, slots: 40, agentShares: 1024 }, 6],
    ['with next to nothing', 0.01, { limit: 2, slots: 40, agentShares: 1024 }, 2],
    ['the only one', undefined, { limit: 8, slots: 1, agentShares: 512 }, 512],
    ['of an agent without a limit', 4, { limit: undefined, slots: 4, agentShares: 1024 }, 256],
  ])('%s', (_what, cpus, bounds, expected) => {
    expect(cpuSharesOf(cpus, bounds)).toBe(expected);
  });

  it.each([1, 3, 40, 200])('is such that %d together weigh no more than the agent', (slots) => {
    for (const limit of [undefined, 0.5, 64])
      expect(slots * cpuSharesOf(limit, { limit, slots, agentShares: 1024 })).toBeLessThanOrEqual(1024);
  });

  it("follows the agent's own: of cgroup v1, and the default elsewhere", () => {
    const root = mkdtempSync(join(tmpdir(), 'fsb-shares-'));
    mkdirSync(join(root, 'pod/agent'), { recursive: true });
    writeFileSync(join(root, 'pod/agent/cpu.shares'), '512\n');
    expect(ownCpuShares('4:memory:/other\n2:cpu,cpuacct:/pod/agent\n0::/', root)).toBe(512);
    expect(ownCpuShares('2:cpu:/pod/gone\n', root)).toBe(1024);
    expect(ownCpuShares('0::/pod/agent\n', root)).toBe(1024);
    rmSync(root, { recursive: true });
  });
});
