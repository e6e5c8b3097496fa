import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { isApiError } from '@fsb/api/errors';
import { ContainerLabels } from '@fsb/api/labels';
import { recordSpan } from '@fsb/component-base/tracing/tracing';
import { ContainerIds } from './container-ids';
import { CrunFilters } from './crun-filter';
import { type CallSettings, type ContainerdClient } from './containerd-client';
import { CLAIM_EXTENSION, type ContainerRecord, emptyContainer, encodeClaim, toRecord } from './container-record';
import { type Container } from './gen/containerd/containers';
import { Options } from './gen/containerd/runc_options';
import { type Mount } from './gen/containerd/types';
import { absentIsFine, isAnswerless, CleanupFailedError, SnapshotGoneError } from './runtime-errors';
import { type Exited, SandboxTasks, type Signal } from './sandbox-tasks';
import { shimSocket, removeDeadSocket } from './shim-socket';
import { type Seat, SHIM_GROUP_ANNOTATION, type ShimGroups } from './shim-groups';
import { snapshotKey } from './snapshot-key';
import { SnapshotStore, SNAPSHOTTER, writableFolder } from './snapshot-store';
import { type RuntimeEvent, runtimeEvents } from './runtime-events';

export type { ContainerRecord, Exited };

const SPEC_TYPE = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';
const RUNC_OPTIONS_TYPE = 'containerd.runc.v1.Options';
const RUNTIME = 'io.containerd.runc.v2';
const snapshotter = SNAPSHOTTER;

type Timed = <T>(name: string, work: Promise<T>) => Promise<T>;

export interface RuntimeStage {
  readonly name: string;
  readonly ms: number;
}

export interface CreatedContainer {
  readonly pid: number;
  readonly stages: RuntimeStage[];
}

/** A program that the shim starts for each container, with the log file as its argument; see docs/adr/0021. */
export interface LogWriter {
  /** absolute path, executable in containerd's mount namespace */
  readonly program: string;
  /** path of a file that the program creates before it is ready */
  readonly made: string;
}

export interface ContainerRequest {
  readonly id: string;
  /** normalised name */
  readonly image: string;
  readonly chainId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** JSON value, stored as it is */
  readonly claim: unknown;
  /** OCI runtime spec */
  readonly spec: Readonly<Record<string, unknown>>;
  /** absolute path of an existing file, to which stdout and stderr are appended */
  readonly logFile: string;
  /** absent: the shim appends by itself */
  readonly logWriter?: LogWriter | undefined;
  /** path of runc or crun; absent: containerd's default */
  readonly runtimeBinary?: string | undefined;
  /** folder of runc's state; absent: /run/containerd/runc, where ids of all containerds of a machine collide */
  readonly runtimeRoot?: string | undefined;
  /** work in parallel with the snapshot that must end before the task: the files that the spec bind-mounts */
  readonly beforeTask?: Promise<unknown>;
}

/** The life of a sandbox's container in containerd: snapshot, record, task, removal. */
export class SandboxRuntime {
  private readonly tasks: SandboxTasks;
  private readonly filters = new CrunFilters();

  /**
   * @param groups absent: a shim for each container
   * @param ids maps the ids of all methods, which are sandbox ids or container ids
   */
  constructor(
    private readonly client: ContainerdClient,
    private readonly groups?: ShimGroups,
    private readonly ids = new ContainerIds(),
  ) {
    this.tasks = new SandboxTasks(client, groups);
  }

  /**
   * Creates snapshot and container record (with the claim), then the task, and starts it. A failure undoes all of it.
   * @returns the host's pid, and the stages in milliseconds, which add up to the elapsed time
   * @throws ApiError already_exists when the id is taken
   * @throws SnapshotGoneError when the image must be resolved again
   * @throws CleanupFailedError when undoing failed
   */
  async create(request: ContainerRequest, signal?: AbortSignal): Promise<CreatedContainer> {
    const seat = this.groups?.join();
    const annotated = this.filters.annotate(request);
    try {
      const created = await this.make(seat ? inGroup(annotated, seat.group) : annotated, signal, seat);
      void this.filters.cacheFrom(request, this.client.namespace); // never rejects
      return created;
    } finally {
      seat?.release();
    }
  }

  private async make(request: ContainerRequest, signal?: AbortSignal, seat?: Seat): Promise<CreatedContainer> {
    const stages: RuntimeStage[] = [];
    let before = performance.now();
    const timed: Timed = async (name, work) => {
      const started = performance.now();
      const result = await work;
      const ended = performance.now();
      stages.push({ name, ms: ended - before }); // of two in parallel, the later has only the rest
      before = ended;
      recordSpan(name, started);
      return result;
    };
    const settings = { signal };
    const { mounts } = await this.claimId(request, settings, timed);
    try {
      await request.beforeTask;
      const { id: containerId } = request;
      const task = { containerId, rootfs: mounts, stdin: '', ...output(request), options: undefined };
      await timed('task', this.client.tasks.create(task, settings));
      seat?.taken(containerId);
      requireWriter(request);
      const { pid } = await timed('start', this.client.tasks.start({ containerId }, settings));
      return { pid, stages };
    } catch (error) {
      throw await this.undone(request.id, error);
    }
  }

  /** Sends SIGKILL to all processes, any other signal to the first one. A process that is gone is success. */
  kill(id: string, signal: Signal | number): Promise<void> {
    return this.tasks.kill(this.ids.containerOf(id), signal);
  }

  /** Waits for the first process. @returns undefined if there is no task, `deadlineMs` passes or `signal` aborts */
  wait(id: string, deadlineMs: number, signal?: AbortSignal): Promise<Exited | undefined> {
    return this.tasks.wait(this.ids.containerOf(id), deadlineMs, signal);
  }

  /** Whether containerd has its task. An exited task stays until its removal; a dead shim's tasks are gone. */
  hasTask(id: string): Promise<boolean> {
    return this.tasks.exists(this.ids.containerOf(id));
  }

  /** Kills and removes task, container and snapshot, with retries. Idempotent: not_found is success. */
  async remove(id: string): Promise<void> {
    const container = this.ids.containerOf(id);
    await this.tasks.remove(container);
    await absentIsFine(this.client.containers.delete({ id: container }));
    await this.removeSnapshot(snapshotKey(container));
  }

  /** Removes task and snapshot of an ended container. The record with its claim stays. */
  async release(id: string): Promise<void> {
    const container = this.ids.containerOf(id);
    await this.tasks.remove(container);
    await this.removeSnapshot(snapshotKey(container));
  }

  /** The folder on the host with a container's writes. @returns undefined if its snapshot is gone */
  async writableLayer(id: string): Promise<string | undefined> {
    try {
      const key = snapshotKey(this.ids.containerOf(id));
      return writableFolder((await this.client.snapshots.mounts({ snapshotter, key })).mounts);
    } catch (error) {
      if (isApiError(error, 'not_found')) return undefined;
      throw error;
    }
  }

  /** The name of its shim group. @returns undefined if it shares no shim */
  groupOf(id: string): string | undefined {
    return this.groups?.nameOf(this.ids.containerOf(id));
  }

  /** Closes the group of a dead shim to further containers, and removes its socket, which nothing else does. */
  async closeGroup(group: string): Promise<void> {
    if (this.groups?.close(group) === false) return; // a create in flight to the group makes the socket anew
    await removeDeadSocket(shimSocket(this.client.socket, this.client.namespace, group));
  }

  /**
   * Removes orphan snapshots: of creates whose process died before there was a container. Nothing else collects them.
   * @param filter in containerd's syntax, which selects an owner's. The owner must have no create in flight: its
   * snapshot looks the same
   */
  async removeOrphanSnapshots(filter: string): Promise<void> {
    const snapshots = await new SnapshotStore(this.client).list(filter);
    const { containers } = await this.client.containers.list({ filters: [filter] });
    const held = new Set(containers.map((container) => container.snapshotKey));
    for (const { name } of snapshots) if (!held.has(name)) await this.removeSnapshot(name);
  }

  /** Creates a record for a task without one, which containerd cannot end otherwise. @throws ApiError already_exists */
  async recreateRecord(id: string, labels: Readonly<Record<string, string>>): Promise<void> {
    const spec = { typeUrl: SPEC_TYPE, value: Buffer.from('{}') }; // required, but never read
    const runtime = { name: RUNTIME, options: undefined };
    await this.client.containers.create({ container: { ...emptyContainer(id), labels: { ...labels }, runtime, spec } });
  }

  /** Sets labels. @param labels an empty value removes the label */
  async setLabels(id: string, labels: Readonly<Record<string, string>>): Promise<void> {
    const container = { ...emptyContainer(this.ids.containerOf(id)), labels: { ...labels } };
    const request = { container, updateMask: Object.keys(labels).map((key) => `labels.${key}`) };
    await this.client.containers.update(request);
  }

  /**
   * Replaces the claim and sets labels in one update.
   * @param labels an empty value removes the label
   */
  async claim(id: string, labels: Readonly<Record<string, string>>, claim: unknown): Promise<void> {
    const extensions = { [CLAIM_EXTENSION]: encodeClaim(claim) };
    const container = { ...emptyContainer(this.ids.containerOf(id)), labels: { ...labels }, extensions };
    const updateMask = [...Object.keys(labels).map((key) => `labels.${key}`), `extensions.${CLAIM_EXTENSION}`];
    await this.client.containers.update({ container, updateMask });
  }

  /** The record of a container, without its task. @returns undefined if there is none */
  async find(id: string): Promise<Omit<ContainerRecord, 'task'> | undefined> {
    try {
      const { container } = await this.client.containers.get({ id: this.ids.containerOf(id) });
      return container && toRecord(container, undefined);
    } catch (error) {
      if (isApiError(error, 'not_found')) return undefined;
      throw error;
    }
  }

  /** Containers with their tasks. @param filters one must match, as in `labels."fast-sandbox.io/managed"==true` */
  async list(...filters: string[]): Promise<ContainerRecord[]> {
    const [{ containers }, { tasks }] = await Promise.all([
      this.client.containers.list({ filters }),
      this.client.tasks.list({ filter: '' }),
    ]);
    const taskOf = new Map(tasks.map((task) => [task.containerId || task.id, task]));
    return containers.map((container) => toRecord(container, taskOf.get(container.id)));
  }

  events(signal: AbortSignal): AsyncGenerator<RuntimeEvent> {
    return runtimeEvents(this.client, signal);
  }

  /** Creates snapshot and record in parallel. A failure undoes only what was created here: another may own the id. */
  private async claimId(request: ContainerRequest, settings: CallSettings, timed: Timed): Promise<{ mounts: Mount[] }> {
    const [snapshot, record] = await Promise.allSettled([
      timed('snapshot', this.prepare(request, settings)),
      timed('container', this.createContainer(request, settings)),
    ]);
    if (snapshot.status === 'fulfilled' && record.status === 'fulfilled') return snapshot.value;
    if (snapshot.status === 'fulfilled') await this.removeSnapshot(snapshotKey(request.id)).catch(() => undefined); // left to the janitor
    await request.beforeTask?.catch(() => undefined); // the error below is the one to report
    if (snapshot.status === 'rejected' && record.status === 'fulfilled')
      throw await this.undone(request.id, snapshot.reason);
    const [failure] = [record, snapshot].filter((one) => one.status === 'rejected');
    throw isAnswerless(failure?.reason) ? new CleanupFailedError(failure?.reason) : failure?.reason;
  }

  /** Undoes a failed create. @returns the error to throw */
  private async undone(id: string, error: unknown): Promise<unknown> {
    try {
      await this.remove(id);
      return error;
    } catch {
      return new CleanupFailedError(error);
    }
  }

  /** Prepares the snapshot as a GC root: else it may be collected before its container exists; see docs/adr/0019. */
  private prepare({ id, chainId, labels }: ContainerRequest, settings: CallSettings): Promise<{ mounts: Mount[] }> {
    const rooted = { ...gcSafe(labels), 'containerd.io/gc.root': new Date().toISOString() };
    const request = { snapshotter, key: snapshotKey(id), parent: chainId, labels: rooted };
    return this.client.snapshots.prepare(request, settings).catch((error: unknown) => {
      throw isApiError(error, 'not_found') ? new SnapshotGoneError(error) : error;
    });
  }

  private async createContainer(request: ContainerRequest, settings: CallSettings): Promise<void> {
    const { id, runtimeBinary: binaryName = '', runtimeRoot: root = '' } = request;
    const value = Buffer.from(Options.encode(Options.fromPartial({ binaryName, root })).finish());
    const container: Container = {
      ...emptyContainer(id),
      labels: { ...request.labels },
      image: request.image,
      runtime: { name: RUNTIME, options: { typeUrl: RUNC_OPTIONS_TYPE, value } },
      spec: { typeUrl: SPEC_TYPE, value: Buffer.from(JSON.stringify(request.spec)) },
      snapshotter,
      snapshotKey: snapshotKey(id),
      extensions: { [CLAIM_EXTENSION]: encodeClaim(request.claim) },
    };
    await this.client.containers.create({ container }, settings);
  }

  private async removeSnapshot(key: string): Promise<void> {
    await absentIsFine(this.client.snapshots.remove({ snapshotter, key }));
  }
}

function inGroup(request: ContainerRequest, group: string): ContainerRequest {
  const given = request.spec['annotations'] as Readonly<Record<string, string>> | undefined; // OCI: a map of strings
  const annotations = { ...given, [SHIM_GROUP_ANNOTATION]: group };
  const labels = { ...request.labels, [ContainerLabels.shimGroup]: group };
  return { ...request, labels, spec: { ...request.spec, annotations } };
}

/**
 * The task's output URIs. The shim appends to a plain path. For equal paths, and for every `file://`, stdout and stderr
 * share one descriptor, which the shim closes at stdout's EOF even if stderr goes on: so the file has two names here. A
 * log writer gets both outputs, whatever the second name is.
 */
function output({ logFile, logWriter }: ContainerRequest): { stdout: string; stderr: string } {
  if (!logWriter) return { stdout: logFile, stderr: `${dirname(logFile)}/./${basename(logFile)}` };
  const program = logWriter.program.split('/').map(encodeURIComponent).join('/');
  const uri = `binary://${program}?${encodeURIComponent(logFile)}`; // an argument is a key of the query without a value
  return { stdout: uri, stderr: uri };
}

/** Fails if the log writer is not running: the shim takes one that has ended for ready. */
function requireWriter({ id, logWriter }: ContainerRequest): void {
  if (!logWriter || existsSync(logWriter.made)) return;
  throw new Error(
    `the writer of ${id}'s log did not make ${logWriter.made}: ${logWriter.program} has to run beside containerd`,
  );
}

/** The labels for a snapshot, which name its owner, without `containerd.io/` ones, which control the collector. */
function gcSafe(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !key.startsWith('containerd.io/')));
}
