import { ContainerLabels } from '@fsb/api/labels';
import { runtimeLeftovers, type RuntimeWorld } from './runtime-plan';

const EMPTY: RuntimeWorld = {
  ...{ containers: new Set<string>(), tasks: [], snapshots: [], files: [], kept: new Set<string>() },
};
const labels = { [ContainerLabels.id]: 's', [ContainerLabels.claimTime]: '5' };
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
    [
      'a snapshot made ahead of its sandbox',
      { snapshots: [{ key: 'warm-snapshot', labels }], containers: new Set(['warm', 's']) },
      [],
    ],
    ['a task without a container', { tasks: ['s'], files: [folder, log] }, ['task s NoContainer']],
    ['a task that nothing says is ours', { tasks: ['s'], files: [log] }, []],
    ['files alone', { files: [log, folder] }, ['log /log/s.log NoContainer', 'folder /run/s NoContainer']],
    ['a kept log', { files: [log], kept: new Set(['s']) }, []],
    ['what is beside a kept log', { files: [log, folder], kept: new Set(['s']) }, ['folder /run/s NoContainer']],
    ['files of a task', { files: [log], tasks: ['s'] }, []],
  ])('%s', (_case, world, found) => {
    const leftovers = runtimeLeftovers({ ...EMPTY, ...world });
    expect(leftovers.map(({ kind, name, reason }) => `${kind} ${name} ${reason}`)).toEqual(found);
  });

  it('knows how old things are by their own account', () => {
    const world = { ...EMPTY, snapshots: [snapshot], files: [log] };
    expect(runtimeLeftovers(world).map(({ sinceMs }) => sinceMs)).toEqual([5, 7]);
  });
});
