import { ContainerLabels } from '@fsb/api/labels';
import { runtimeOrphans, type RuntimeWorld } from './runtime-plan';

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
    ['nothing in an empty world', {}, []],
    [
      'nothing of a container with all its parts',
      { ...has, tasks: ['s'], snapshots: [snapshot], files: [log, folder] },
      [],
    ],
    ['a snapshot without a container', { snapshots: [snapshot] }, ['snapshot s-snapshot NoContainer']],
    ['no snapshot without the suffix -snapshot', { snapshots: [{ key: 'other', labels }] }, []],
    [
      'no snapshot of a standby container',
      { snapshots: [{ key: 'warm-snapshot', labels }], containers: new Set(['warm', 's']) },
      [],
    ],
    ['a task without a container', { tasks: ['s'], files: [folder, log] }, ['task s NoContainer']],
    ['no task without a sandbox folder', { tasks: ['s'], files: [log] }, []],
    [
      'files without a container',
      { files: [log, folder] },
      ['log /log/s.log NoContainer', 'folder /run/s NoContainer'],
    ],
    ['no kept log', { files: [log], kept: new Set(['s']) }, []],
    ['the folder beside a kept log', { files: [log, folder], kept: new Set(['s']) }, ['folder /run/s NoContainer']],
    ['no files of a task', { files: [log], tasks: ['s'] }, []],
  ])('finds %s', (_case, world, found) => {
    const leftovers = runtimeOrphans({ ...EMPTY, ...world });
    expect(leftovers.map(({ kind, name, reason }) => `${kind} ${name} ${reason}`)).toEqual(found);
  });

  it('takes the age from the claim-time label of a snapshot and the mtime of a file', () => {
    const world = { ...EMPTY, snapshots: [snapshot], files: [log] };
    expect(runtimeOrphans(world).map(({ sinceMs }) => sinceMs)).toEqual([5, 7]);
  });
});
