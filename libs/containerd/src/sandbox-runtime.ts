import { setTimeout as sleep } from 'node:timers/promises';
import { isApiError } from '@fsb/api/errors';
import { type CallSettings, type ContainerdClient } from './containerd-client';
import { CLAIM_EXTENSION, type ContainerRecord, emptyContainer, encodeClaim, toRecord } from './container-record';
import { type Container } from './gen/containerd/containers';
import { Options } from './gen/containerd/runc_options';
import { type Mount } from './gen/containerd/types';
import { withLease } from './lease';
import { SNAPSHOTTER } from './snapshot-store';
import { type RuntimeEvent, runtimeEvents } from './runtime-events';

export type { ContainerRecord };

const SPEC_TYPE = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';
const RUNC_OPTIONS_TYPE = 'containerd.runc.v1.Options';
const RUNTIME = 'io.containerd.runc.v2';
const SIGNALS = { SIGTERM: 15, SIGKILL: 9 } as const;
const snapshotter = SNAPSHOTTER;

type Timed = <T>(name: string, work: Promise<T>) => Promise<T>;

export interface Stage {
  readonly name: string;
  readonly ms: number;
}

export interface ContainerRequest {
  readonly id: string;
  /** normalised name */
  readonly image: string;
  readonly chainId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** JSON value, kept as it is */
  readonly claim: unknown;
  /** OCI runtime spec */
  readonly spec: Readonly<Record<string, unknown>>;
  /** absolute; the shim appends stdout and stderr */
  readonly logFile: string;
  /** path of runc or crun; absent: containerd's default */
  readonly runtimeBinary?: string | undefined;
  /** Work beside the snapshot that must be done before the process starts: the files that the spec binds. */
  readonly beforeTask?: Promise<unknown>;
}

/** A sandbox's container from its snapshot to its end. */
export class SandboxRuntime {
  constructor(private readonly client: ContainerdClient) {}

  /**
   * Snapshot and container record (with the claim), then task, start; under a lease. Whatever fails, nothing is left.
   * @throws ApiError already_exists when the id is taken
   */
  async create(request: ContainerRequest, signal?: AbortSignal): Promise<{ pid: number; stages: Stage[] }> {
    const stages: Stage[] = [];
    const timed: Timed = async (name, work) => {
      const started = performance.now();
      const result = await work;
      stages.push({ name, ms: performance.now() - started });
      return result;
    };
    return withLease(this.client, {}, async (lease) => {
      const settings = { signal, lease };
      const { mounts } = await this.claimId(request, settings, timed);
      try {
        await request.beforeTask;
        const task = {
          containerId: request.id,
          rootfs: mounts,
          stdin: '',
          ...output(request.logFile),
          options: undefined,
        };
        await timed('task', this.client.tasks.create(task, settings));
        const start = { containerId: request.id };
        const { pid } = await timed('start', this.client.tasks.start(start, settings));
        return { pid, stages };
      } catch (error) {
        await this.remove(request.id).catch(() => undefined); // what stays is listed, and removed by its agent or the janitor
        throw error;
      }
    });
  }

  /** Sends a signal: SIGTERM to the first process, SIGKILL to all of the container. A process that is gone is success. */
  async kill(id: string, signal: keyof typeof SIGNALS): Promise<void> {
    const request = { containerId: id, signal: SIGNALS[signal], all: signal === 'SIGKILL' };
    await absentIsFine(this.client.tasks.kill(request));
  }

  /** Waits for the first process to end. @returns undefined when there is no task, or `deadlineMs` passed first. */
  async wait(id: string, deadlineMs: number): Promise<{ exitStatus: number; exitedAt: Date | undefined } | undefined> {
    try {
      const request = { containerId: id };
      return await this.client.tasks.wait(request, { deadlineMs });
    } catch (error) {
      if (isApiError(error, 'not_found') || isApiError(error, 'deadline_exceeded')) return undefined;
      throw error;
    }
  }

  /** Kills what runs, then removes task, container and snapshot, and makes sure. Every "not found" is success. */
  async remove(id: string): Promise<void> {
    await this.removeTask(id);
    await absentIsFine(this.client.containers.delete({ id }));
    await this.removeSnapshot(id);
  }

  /** Task and snapshot of a container that has ended; the record with its claim stays. */
  async release(id: string): Promise<void> {
    await this.removeTask(id);
    await this.removeSnapshot(id);
  }

  async setLabels(id: string, labels: Readonly<Record<string, string>>): Promise<void> {
    const container = { ...emptyContainer(id), labels: { ...labels } };
    const request = { container, updateMask: Object.keys(labels).map((key) => `labels.${key}`) };
    await this.client.containers.update(request);
  }

  async setClaim(id: string, claim: unknown): Promise<void> {
    const container = { ...emptyContainer(id), extensions: { [CLAIM_EXTENSION]: encodeClaim(claim) } };
    const request = { container, updateMask: [`extensions.${CLAIM_EXTENSION}`] };
    await this.client.containers.update(request);
  }

  /** @param filter containerd's filter syntax, as in `labels."fast-sandbox.io/managed"==true` */
  async list(filter: string): Promise<ContainerRecord[]> {
    const [{ containers }, { tasks }] = await Promise.all([
      this.client.containers.list({ filters: [filter] }),
      this.client.tasks.list({ filter: '' }),
    ]);
    const taskOf = new Map(tasks.map((task) => [task.containerId || task.id, task]));
    return containers.map((container) => toRecord(container, taskOf.get(container.id)));
  }

  events(signal: AbortSignal): AsyncGenerator<RuntimeEvent> {
    return runtimeEvents(this.client, signal);
  }

  /** Snapshot and record, one beside the other. An id that somebody else holds is not ours to remove: each undoes its own. */
  private async claimId(request: ContainerRequest, settings: CallSettings, timed: Timed): Promise<{ mounts: Mount[] }> {
    const [snapshot, record] = await Promise.allSettled([
      timed('snapshot', this.prepare(request, settings)),
      timed('container', this.createContainer(request, settings)),
    ]);
    if (snapshot.status === 'fulfilled' && record.status === 'fulfilled') return snapshot.value;
    if (snapshot.status === 'fulfilled') await this.removeSnapshot(request.id).catch(() => undefined); // the lease's end collects it
    if (record.status === 'fulfilled') await this.client.containers.delete({ id: request.id }).catch(() => undefined); // as above
    await request.beforeTask?.catch(() => undefined); // the error below is the one to tell
    throw record.status === 'rejected' ? record.reason : (snapshot as PromiseRejectedResult).reason; // one of the two is
  }

  private prepare({ id, chainId, labels }: ContainerRequest, settings: CallSettings): Promise<{ mounts: Mount[] }> {
    const request = { snapshotter, key: `${id}-snapshot`, parent: chainId, labels: gcSafe(labels) };
    return this.client.snapshots.prepare(request, settings);
  }

  private async createContainer(request: ContainerRequest, settings: CallSettings): Promise<void> {
    const { id, runtimeBinary } = request;
    const value = Buffer.from(Options.encode(Options.fromPartial({ binaryName: runtimeBinary ?? '' })).finish());
    const container: Container = {
      ...emptyContainer(id),
      labels: { ...request.labels },
      image: request.image,
      runtime: { name: RUNTIME, options: { typeUrl: RUNC_OPTIONS_TYPE, value } },
      spec: { typeUrl: SPEC_TYPE, value: Buffer.from(JSON.stringify(request.spec)) },
      snapshotter,
      snapshotKey: `${id}-snapshot`,
      extensions: { [CLAIM_EXTENSION]: encodeClaim(request.claim) },
    };
    await this.client.containers.create({ container }, settings);
  }

  /** crun with a shared shim once answered "ttrpc: closed" to a delete that had worked: only "not found" is proof. */
  private async removeTask(id: string): Promise<void> {
    const attempts = 5;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.kill(id, 'SIGKILL').catch(() => undefined);
        await this.wait(id, 5000);
        await this.client.tasks.delete({ containerId: id });
        return;
      } catch (error) {
        if (isApiError(error, 'not_found')) return;
        if (attempt === attempts) throw error;
        await sleep(100 * attempt);
      }
    }
  }

  private async removeSnapshot(id: string): Promise<void> {
    const request = { snapshotter, key: `${id}-snapshot` };
    await absentIsFine(this.client.snapshots.remove(request));
  }
}

function output(logFile: string): { stdout: string; stderr: string } {
  return { stdout: `file://${logFile}`, stderr: `file://${logFile}` };
}

/** A snapshot's labels say whose it is; `containerd.io/` ones would steer the collector. */
function gcSafe(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !key.startsWith('containerd.io/')));
}

async function absentIsFine(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isApiError(error, 'not_found')) throw error;
  }
}
