import { ContainerLabels } from '@fsb/api/labels';
import { type AgentPresence } from '../sweep/orphan-policy';
import { type FoundFile } from './sandbox-files';
import { type Leftover } from './leftover';

type Labels = Readonly<Record<string, string>>;

/** What containerd and the sandboxes' folders have; leases and snapshots of this installation alone. */
export interface RuntimeWorld {
  readonly nowMs: number;
  /** of every container, whosever it is: its id, and that of its sandbox */
  readonly containers: ReadonlySet<string>;
  readonly tasks: readonly string[];
  readonly leases: readonly {
    readonly id: string;
    readonly labels: Labels;
    readonly createdAtMs: number;
    readonly agent: AgentPresence;
  }[];
  readonly snapshots: readonly { readonly key: string; readonly labels: Labels }[];
  /** empty where the folders are shared with another installation */
  readonly files: readonly (FoundFile & { readonly kind: 'log' | 'folder' | 'fifo' })[];
}

/** What a create takes at the very most: each of its calls has a deadline. */
const CREATE_MS = 120_000;
const SNAPSHOT = '-snapshot';

/** Pure: the table of cases is its specification. */
export function runtimeLeftovers(world: RuntimeWorld): Leftover[] {
  const over = leases(world);
  const dropped = new Set(over.map(({ name }) => name));
  const held = world.leases.filter(({ id }) => !dropped.has(id));
  const underWay = new Set(held.map(({ labels }) => labels[ContainerLabels.id] ?? ''));
  return [...over, ...tasks(world, underWay), ...snapshots(world, underWay), ...files(world, underWay)];
}

function leases({ leases: all, nowMs }: RuntimeWorld): Leftover[] {
  return all.flatMap(({ id, agent, createdAtMs }): Leftover[] => {
    const lease = { kind: 'lease', name: id, sinceMs: createdAtMs } as const;
    if (agent === 'gone') return [{ ...lease, reason: 'AgentPodGone', why: 'its agent is gone' }];
    if (agent === 'unknown' || nowMs - createdAtMs < CREATE_MS) return [];
    return [{ ...lease, reason: 'NoCreate', why: 'no create takes so long' }];
  });
}

/** The record was its only label: what a task has of its own is the folder that its agent made for it. */
function tasks({ tasks: all, containers, files: known }: RuntimeWorld, underWay: ReadonlySet<string>): Leftover[] {
  const folders = new Set(known.filter(({ kind }) => kind === 'folder').map(({ id }) => id));
  return all
    .filter((id) => folders.has(id) && !containers.has(id) && !underWay.has(id))
    .map((id) => ({ kind: 'task', name: id, reason: 'NoContainer', why: 'its container has no record any more' }));
}

function snapshots({ snapshots: all, containers }: RuntimeWorld, underWay: ReadonlySet<string>): Leftover[] {
  return all.flatMap(({ key, labels }): Leftover[] => {
    const id = key.endsWith(SNAPSHOT) ? key.slice(0, -SNAPSHOT.length) : '';
    if (id === '' || containers.has(id) || underWay.has(labels[ContainerLabels.id] ?? id)) return [];
    const since = labels[ContainerLabels.claimTime];
    const age = since === undefined ? {} : { sinceMs: Number(since) };
    return [{ kind: 'snapshot', name: key, reason: 'NoContainer', why: `there is no container ${id}`, ...age }];
  });
}

function files(world: RuntimeWorld, underWay: ReadonlySet<string>): Leftover[] {
  const tasks = new Set(world.tasks);
  return world.files
    .filter(({ id }) => !world.containers.has(id) && !tasks.has(id) && !underWay.has(id))
    .map(({ kind, path, id, mtimeMs }) => ({
      ...{ kind, name: path, reason: 'NoContainer', why: `there is no sandbox ${id} on this node`, sinceMs: mtimeMs },
    }));
}
