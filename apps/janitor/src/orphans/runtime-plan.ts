import { ContainerLabels } from '@fsb/api/labels';
import { containerOfSnapshot } from '@fsb/containerd/snapshot-key';
import { type FoundFile } from './sandbox-files';
import { type NodeOrphan } from './node-orphan';

type Labels = Readonly<Record<string, string>>;

/** What containerd and the sandboxes' folders hold. Snapshots are of this installation only. */
export interface RuntimeWorld {
  /** container id and sandbox id of every container, of other installations too */
  readonly containers: ReadonlySet<string>;
  readonly tasks: readonly string[];
  readonly snapshots: readonly { readonly key: string; readonly labels: Labels }[];
  /** ids of removed sandboxes whose logs are kept because their objects exist, or may exist */
  readonly kept: ReadonlySet<string>;
  /** empty when the folders are shared with another installation */
  readonly files: readonly (FoundFile & { readonly kind: 'log' | 'folder' | 'fifo' })[];
}

/**
 * Lists the orphans among tasks, snapshots and files. Pure: the table of cases is its specification.
 * An in-flight create looks orphaned until containerd has its record, within 10 s; the orphan timeout must not be less.
 */
export function runtimeOrphans(world: RuntimeWorld): NodeOrphan[] {
  return [...tasks(world), ...snapshots(world), ...files(world)];
}

/** A task has no labels: without its container's record, only the folder made by its agent shows it to be ours. */
function tasks({ tasks: all, containers, files: known }: RuntimeWorld): NodeOrphan[] {
  const folders = new Set(known.filter(({ kind }) => kind === 'folder').map(({ id }) => id));
  return all
    .filter((id) => folders.has(id) && !containers.has(id))
    .map((id) => ({ kind: 'task', name: id, reason: 'NoContainer', why: 'its container has no record any more' }));
}

function snapshots({ snapshots: all, containers }: RuntimeWorld): NodeOrphan[] {
  return all.flatMap(({ key, labels }): NodeOrphan[] => {
    const id = containerOfSnapshot(key);
    if (id === undefined || containers.has(id)) return [];
    const since = labels[ContainerLabels.claimTime];
    const age = since === undefined ? {} : { sinceMs: Number(since) };
    return [{ kind: 'snapshot', name: key, reason: 'NoContainer', why: `there is no container ${id}`, ...age }];
  });
}

function files(world: RuntimeWorld): NodeOrphan[] {
  const tasks = new Set(world.tasks);
  return world.files
    .filter(({ kind, id }) => !world.containers.has(id) && !tasks.has(id) && !(kind === 'log' && world.kept.has(id)))
    .map(({ kind, path, id, mtimeMs }) => ({
      ...{ kind, name: path, reason: 'NoContainer', why: `there is no sandbox ${id} on this node`, sinceMs: mtimeMs },
    }));
}
