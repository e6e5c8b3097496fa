import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentPhase, type AgentSandboxStatus, type CreateSandboxResponse } from '@fsb/agent-api/agent-api';
import { ContainerLabels } from '@fsb/api/labels';
import { type ContainerRecord, type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type AgentConfig } from '../agent.config';
import { type Admission } from './admission';
import { Claim } from './claim';
import { type SandboxOrder } from './create-request';
import { AdmissionError } from './admission-error';
import { type SandboxContainers } from './sandbox-containers';
import { type SandboxTable } from './sandbox-table';

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 10_000;
/** An OOM event may come just after the exit that it explains. */
const OOM_SETTLE_MS = 100;

/** A sandbox from its admission to its removal, in this agent and in containerd. */
export class SandboxLifecycle {
  private readonly creating = new Map<string, Promise<CreateSandboxResponse>>();
  private readonly deleting = new Map<string, Promise<void>>();
  private readonly outOfMemory = new Set<string>();
  /** Exits that came before their create had returned. */
  private readonly earlyExits = new Map<string, [exitCode: number, exitedAt: Date]>();

  constructor(
    private readonly config: AgentConfig,
    private readonly admission: Admission,
    private readonly table: SandboxTable,
    private readonly containers: SandboxContainers,
    private readonly runtime: SandboxRuntime,
  ) {}

  /** A repeated id is the same success. @throws AdmissionError before any effect; ApiError */
  create(order: SandboxOrder): Promise<CreateSandboxResponse> {
    const id = order.request.sandboxId;
    const before = this.table.get(id);
    const running = this.creating.get(id);
    if (running) return running;
    if (before) return Promise.resolve({ success: true, sandboxId: id, createdAt: before.createdAt });
    const work = this.place(order).finally(() => this.creating.delete(id));
    this.creating.set(id, work);
    return work;
  }

  /** Begins the end and returns; an unknown id is success. */
  delete(id: string): void {
    if (!this.table.get(id) || this.deleting.has(id)) return;
    const work = this.end(id).finally(() => this.deleting.delete(id));
    this.deleting.set(id, work);
    work.catch(() => undefined); // still in the table as terminating: the caller's next delete tries again
  }

  async bind(id: string, claimUid: string): Promise<void> {
    const [record] = await this.runtime.list(`id==${id}`);
    const claim = Claim.safeParse(record?.claim);
    if (!claim.success || !this.table.get(id)) return;
    await this.runtime.setClaim(id, { ...claim.data, claimUid });
    await this.runtime.setLabels(id, { [ContainerLabels.claimUid]: claimUid });
    const phase = this.table.get(id)?.phase;
    if (phase) this.table.set({ ...toStatus({ ...claim.data, claimUid }, phase), ...claim.data.finished });
  }

  /** Everything of this agent that containerd still has. */
  async restore(): Promise<void> {
    const mine = [ContainerLabels.managed, ContainerLabels.installation, ContainerLabels.agentUid];
    const values = ['true', this.config.installation, this.config.podUid];
    const filter = mine.map((label, index) => `labels."${label}"=="${values[index] ?? ''}"`).join(',');
    for (const record of await this.runtime.list(filter)) await this.settle(record);
  }

  noteOutOfMemory(id: string): void {
    this.outOfMemory.add(id);
  }

  async exited(id: string, exitCode: number, exitedAt: Date): Promise<void> {
    const phase = this.table.get(id)?.phase;
    if (phase === 'creating') this.earlyExits.set(id, [exitCode, exitedAt]);
    if (phase !== 'running') return;
    if (exitCode === 137) await sleep(OOM_SETTLE_MS);
    const reason = this.outOfMemory.delete(id) ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error';
    const finished = { exitCode, reason, finishedAt: exitedAt.toISOString() };
    this.admission.release(id);
    this.table.update(id, { phase: exitCode === 0 ? 'stopped' : 'failed', ...finished });
    const [record] = await this.runtime.list(`id==${id}`);
    if (record) await this.runtime.setClaim(id, { ...(record.claim as Claim), finished });
    await this.runtime.release(id);
  }

  private async place(order: SandboxOrder): Promise<CreateSandboxResponse> {
    const { request, ports } = order;
    const id = request.sandboxId;
    const refusal = this.admission.admit(id, { ports, memoryBytes: order.memoryBytes });
    if (refusal) throw new AdmissionError(refusal, this.admission.free());
    const claim = this.claim(order);
    this.table.set(toStatus(claim, 'creating'));
    try {
      const stages = await this.containers.create(order, claim);
      this.table.set(toStatus(claim, 'running'));
      const exit = this.earlyExits.get(id);
      if (exit) void this.exited(id, ...exit).catch(() => undefined); // else the next restore settles it
      return { success: true, sandboxId: id, createdAt: claim.createdAt, stages };
    } catch (error) {
      this.admission.release(id);
      this.table.remove(id);
      throw error;
    } finally {
      this.earlyExits.delete(id);
    }
  }

  private claim({ request, image, ports, memoryBytes }: SandboxOrder): Claim {
    const limit = memoryBytes ?? (this.admission.share() || undefined);
    return {
      sandboxId: request.sandboxId,
      claimUid: request.claimUid,
      claimName: request.claimName,
      namespace: request.namespace ?? this.config.namespace,
      image,
      ports: [...ports],
      createdAt: Math.floor(Date.now() / 1000),
      ...(limit === undefined ? {} : { memoryBytes: limit }),
      ...(request.generation === undefined ? {} : { generation: request.generation }),
      ...(request.object === undefined ? {} : { object: { ...request.object } }),
    };
  }

  private async settle(record: ContainerRecord): Promise<void> {
    const parsed = Claim.safeParse(record.claim);
    if (!parsed.success) return; // not in our words: the janitor's to judge
    const claim = parsed.data;
    const id = claim.sandboxId;
    const known = this.table.get(id);
    if (known && known.phase !== 'running') return;
    if (claim.finished) {
      this.table.set({ ...toStatus(claim, claim.finished.exitCode === 0 ? 'stopped' : 'failed'), ...claim.finished });
    } else if (record.task) {
      if (!known) {
        this.admission.hold(id, { ports: claim.ports, memoryBytes: claim.memoryBytes });
        this.table.set(toStatus(claim, 'running'));
      }
      if (record.task.status === 'stopped')
        await this.exited(id, record.task.exitStatus, record.task.exitedAt ?? new Date());
    } else {
      this.admission.release(id);
      this.table.set({ ...toStatus(claim, 'failed'), reason: 'ContainerGone', message: 'its process is gone' });
    }
    if (record.labels[ContainerLabels.terminating] !== undefined) this.delete(id);
  }

  private async end(id: string): Promise<void> {
    await this.creating.get(id)?.catch(() => undefined);
    if (!this.table.get(id)) return;
    const wasRunning = this.table.get(id)?.phase === 'running';
    this.table.update(id, { phase: 'terminating' });
    await this.runtime.setLabels(id, { [ContainerLabels.terminating]: String(Date.now()) }).catch(() => undefined); // the record may be gone already
    if (wasRunning) {
      await this.runtime.kill(id, 'SIGTERM').catch(() => undefined); // SIGKILL follows
      await this.runtime.wait(id, GRACE_MS);
    }
    await this.containers.remove(id);
    this.admission.release(id);
    this.table.remove(id);
  }
}

function toStatus(claim: Claim, phase: AgentPhase): AgentSandboxStatus {
  const { sandboxId, claimUid, claimName, namespace, image, ports, createdAt, generation, object } = claim;
  return {
    ...{ sandboxId, claimUid, claimName, namespace, image, ports, createdAt, phase },
    ...(generation === undefined ? {} : { generation }),
    ...(object === undefined || claimUid !== '' ? {} : { object }),
  };
}
