import { type Container } from './gen/containerd/containers';
import { type Process, Status } from './gen/containerd/task';

/** The container extension with the sandbox's claim, as JSON. An extension, unlike a label, may exceed 4 KiB. */
export const CLAIM_EXTENSION = 'sandbox.fast.io/claim';

export interface ContainerRecord {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  /** JSON value; undefined if absent or malformed */
  readonly claim: unknown;
  readonly createdAt: Date;
  readonly task?: TaskRecord;
}

export interface TaskRecord {
  readonly status: 'created' | 'running' | 'stopped' | 'unknown';
  /** on the host; 0 if containerd no longer knows it */
  readonly pid: number;
  readonly exitStatus: number;
  readonly exitedAt?: Date;
}

export function emptyContainer(id: string): Container {
  return {
    id,
    labels: {},
    image: '',
    runtime: undefined,
    spec: undefined,
    snapshotter: '',
    snapshotKey: '',
    createdAt: undefined,
    updatedAt: undefined,
    extensions: {},
  };
}

export function encodeClaim(claim: unknown): { typeUrl: string; value: Buffer } {
  return { typeUrl: CLAIM_EXTENSION, value: Buffer.from(JSON.stringify(claim ?? null)) };
}

export function toRecord(container: Container, task: Process | undefined): ContainerRecord {
  return {
    id: container.id,
    labels: container.labels,
    claim: decodeClaim(container.extensions[CLAIM_EXTENSION]?.value),
    createdAt: container.createdAt ?? new Date(0),
    ...(task ? { task: toTask(task) } : {}),
  };
}

function decodeClaim(value: Uint8Array | undefined): unknown {
  if (!value) return undefined;
  try {
    return JSON.parse(Buffer.from(value).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

function toTask({ status, pid, exitStatus, exitedAt }: Process): TaskRecord {
  const names: Partial<Record<Status, TaskRecord['status']>> = {
    [Status.CREATED]: 'created',
    [Status.RUNNING]: 'running',
    [Status.PAUSED]: 'running',
    [Status.PAUSING]: 'running',
    [Status.STOPPED]: 'stopped',
  };
  return { status: names[status] ?? 'unknown', pid, exitStatus, ...(exitedAt ? { exitedAt } : {}) };
}
