import { ContainerLabels } from '@fsb/api/labels';
import { runtimeLeftovers, type RuntimeWorld } from './runtime-plan';

const NOW = 1_000_000_000;
const EMPTY: RuntimeWorld = {
  ...{ nowMs: NOW, containers: new Set<string>(), tasks: [], leases: [], snapshots: [], files: [] },
};
const labels = { [ContainerLabels.id]: 's', [ContainerLabels.claimTime]: '5' };
const lease = { id: 'l', labels, createdAtMs: NOW - 1000, agent: 'present' as const };
const snapshot = { key: 's-snapshot', labels };
const log = { kind: 'log' as const, path: '/log/s.log', id: 's', mtimeMs: 7 };
const folder = { kind: 'folder' as const, path: '/run/s', id: 's', mtimeMs: 7 };
const has = { containers: new Set(['s']) };

describe('runtimeLeftovers', () => {
  it.each<[string, Partial<RuntimeWorld>, string[]]>([
    ['nothing', {}, []],
    ['a container with all it has', { ...has, tasks: ['s'], snapshots: [snapshot], files: [log, folder] }, []],
    ['a snapshot alone', { snapshots: [snapshot] }, ['snapshot s-snapshot NoContainer']],
    ['a snapshot that is not named like one', { snapshots: [{ key: 'other', labels }] }, []],
    ['a snapshot of a create under way', { snapshots: [snapshot], leases: [lease] }, []],
    [
      'a snapshot made ahead of its sandbox',
      { snapshots: [{ key: 'warm-snapshot', labels }], containers: new Set(['warm', 's']) },
      [],
    ],
    [
      'a snapshot and the lease of an agent that is gone',
      { snapshots: [snapshot], leases: [{ ...lease, agent: 'gone' }] },
      ['lease l AgentPodGone', 'snapshot s-snapshot NoContainer'],
    ],
    ['a lease whose agent nobody knows of', { leases: [{ ...lease, agent: 'unknown', createdAtMs: 0 }] }, []],
    ['a lease that is too old', { leases: [{ ...lease, createdAtMs: NOW - 120_000 }] }, ['lease l NoCreate']],
    ['a lease just young enough', { leases: [{ ...lease, createdAtMs: NOW - 119_999 }] }, []],
    ['a task without a container', { tasks: ['s'], files: [folder, log] }, ['task s NoContainer']],
    ['a task that nothing says is ours', { tasks: ['s'], files: [log] }, []],
    ['files alone', { files: [log, folder] }, ['log /log/s.log NoContainer', 'folder /run/s NoContainer']],
    ['files of a create under way', { files: [log, folder], leases: [lease] }, []],
    ['files of a task', { files: [log], tasks: ['s'] }, []],
  ])('%s', (_case, world, found) => {
    const leftovers = runtimeLeftovers({ ...EMPTY, ...world });
    expect(leftovers.map(({ kind, name, reason }) => `${kind} ${name} ${reason}`)).toEqual(found);
  });

  it('knows how old things are by their own account', () => {
    const world = { ...EMPTY, snapshots: [snapshot], files: [log], leases: [{ ...lease, agent: 'gone' as const }] };
    expect(runtimeLeftovers(world).map(({ sinceMs }) => sinceMs)).toEqual([NOW - 1000, 5, 7]);
  });
});
