import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import {
  type AgentSandboxStatus,
  type CreateSandboxResponse,
  type NamedDelete,
  type Stage,
} from '@fsb/agent-api/agent-api';
import { messageOf } from '@fsb/api/errors';
import { type Traffic } from '@fsb/component-base/traffic';
import { ContainerLabels } from '@fsb/api/labels';
import { isAnswerless, CleanupFailedError } from '@fsb/containerd/runtime-errors';
import { type Exited, type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type AgentConfig } from '../agent.config';
import { type AgentMetrics } from '../agent-metrics';
import { type EndedLogs } from '../logs/ended-logs';
import { type Admission, type Refusal } from './admission';
import { AdmissionError } from './admission-error';
import { newClaim } from './claim-of-order';
import { type Claim } from './claim';
import { type ClaimRecords } from './claim-records';
import { type AgentCreate } from './create-request';
import { Creations } from './creations';
import { RemovedGenerations, staleDelete, staleGeneration } from './generation-fence';
import { DEFAULT_GRACE_SECONDS, GracePeriod, MAX_GRACE_SECONDS } from './grace-period';
import { NamedDeletes } from './named-deletes';
import { type SandboxContainers } from './sandbox-containers';
import { type SandboxExits } from './sandbox-exits';
import { type SandboxRecovery } from './sandbox-recovery';
import { CREATE_FAILED, toStatus } from './sandbox-status';
import { type SandboxTable } from './sandbox-table';

export interface LifecycleParts {
  readonly config: AgentConfig;
  readonly admission: Admission;
  readonly table: SandboxTable;
  readonly claims: ClaimRecords;
  readonly exits: SandboxExits;
  readonly recovery: SandboxRecovery;
  readonly containers: SandboxContainers;
  readonly runtime: SandboxRuntime;
  readonly metrics: AgentMetrics;
  readonly endedLogs: EndedLogs;
  /** creates, for whose lulls removals wait */
  readonly traffic: Traffic;
}

export interface SandboxDeleteOptions {
  readonly generation?: number | undefined;
  /** the object stays, and its log is kept */
  readonly keepLog?: boolean | undefined;
  /** between the stop signal and SIGKILL; absent: the sandbox's own */
  readonly gracePeriodSeconds?: number | undefined;
}

/** Longest wait of a removal for a lull in creates: it costs as much as a cold create, and its process is dead. */
const REMOVE_LATEST_MS = 500;
const REMOVE_ATTEMPTS = 5;
const RETRY_MS = 500;
/** Wait for the exit of a killed process. Only a stalled machine takes longer. */
const KILLED_MS = 5_000;

/** Drives sandboxes from admission to removal, in this agent and in containerd. */
export class SandboxLifecycle {
  private readonly logger = new Logger(SandboxLifecycle.name);
  private readonly creations = new Creations((id) => {
    this.delete(id);
  });
  /** ids of sandboxes that end while their objects stay, with their logs */
  private readonly keepingLog = new Set<string>();
  /** grace periods of the deletes in progress, by sandbox id */
  private readonly deleting = new Map<string, GracePeriod>();
  private readonly removed = new RemovedGenerations();
  private readonly namedDeletes = new NamedDeletes();
  private isRestored = false;

  constructor(private readonly parts: LifecycleParts) {}

  /** Whether the table has what containerd has. Before, the agent admits nothing and its reports are incomplete. */
  get restored(): boolean {
    return this.isRestored;
  }

  /**
   * Makes a sandbox. Idempotent by sandbox id. A create that all callers have left is aborted while its image is
   * pulled; later it completes and the sandbox stays, unless the order sets `leaveNothing`.
   * @param left aborts when this caller leaves
   * @throws AdmissionError before any effect, or where the sandbox was deleted while it was made
   * @throws ApiError as {@link SandboxContainers.create}
   */
  async create(order: AgentCreate, left: AbortSignal): Promise<CreateSandboxResponse> {
    const id = order.request.sandboxId;
    const before = this.parts.table.get(id);
    const running = this.creations.get(id);
    this.creations.cancelEnd(id);
    if (!running && before) {
      this.requireNotDeleted(order, before);
      return { success: true, sandboxId: id, createdAt: before.createdAt };
    }
    const creation = running ?? this.creations.begin(id, (abandoned) => this.place(order, abandoned));
    return this.creations.join(id, creation, left, order.leaveNothing);
  }

  /**
   * Ends the unbound sandboxes of a name. A create of the name that began before and arrives later is refused.
   * @param sandboxId end only this one, and refuse nothing later; undefined: every one of the name
   * @returns ids of the sandboxes whose end has begun
   */
  ensureAbsent(namespace: string, name: string, sandboxId: string | undefined): string[] {
    if (sandboxId === undefined) this.namedDeletes.add(namespace, name);
    const meant = this.parts.table.list().filter((sandbox) => {
      const hasName = sandbox.claimName === name && sandbox.namespace === namespace && sandbox.claimUid === '';
      return hasName && (sandboxId === undefined || sandbox.sandboxId === sandboxId);
    });
    for (const sandbox of meant) this.delete(sandbox.sandboxId);
    return meant.map((sandbox) => sandbox.sandboxId);
  }

  /** The last delete by name; undefined: this agent remembers none. */
  lastDelete(namespace: string, name: string): NamedDelete | undefined {
    return this.namedDeletes.last(namespace, name);
  }

  /**
   * Begins the end and returns. An unknown id is success; a repeated delete may change the {@link GracePeriod}.
   * @throws AdmissionError stale_generation, for a generation older than the sandbox's
   */
  delete(id: string, { generation, keepLog = false, gracePeriodSeconds }: SandboxDeleteOptions = {}): void {
    const refusal = staleDelete(generation, this.parts.table.get(id));
    if (refusal) throw new AdmissionError(refusal, this.parts.admission.free());
    if (keepLog) this.keepingLog.add(id);
    const underWay = this.deleting.get(id);
    const grace = underWay ?? new GracePeriod();
    if (gracePeriodSeconds !== undefined) grace.request(gracePeriodSeconds);
    if (underWay) {
      // the end of the period, or whether the log is kept, may have changed
      void this.parts.runtime.setLabels(id, this.endLabels(id, grace)).catch(() => undefined);
      return;
    }
    this.deleting.set(id, grace);
    this.end(id, grace)
      .catch((error: unknown) => {
        // it stays terminating: the next delete, or the next connection to containerd, tries again
        this.logger.error({ msg: 'a sandbox was not removed', sandbox: id, error: messageOf(error) });
      })
      .finally(() => {
        grace.clear();
        this.deleting.delete(id);
        this.keepingLog.delete(id);
      });
  }

  /**
   * Records the uid of the object.
   * @returns false where the sandbox is gone or being deleted: its object must go too
   */
  async bind(id: string, claimUid: string): Promise<boolean> {
    const { table, claims } = this.parts;
    // answered without containerd, which may be away: a late object must not stay
    if ((table.get(id)?.phase ?? 'terminating') === 'terminating') return false;
    const claim = await claims.change(id, { claimUid }, { [ContainerLabels.claimUid]: claimUid });
    if (!claim) return false;
    table.update(id, { claimUid }); // not the whole claim: the process may have ended since it was read
    return (table.get(id)?.phase ?? 'terminating') !== 'terminating';
  }

  /** Takes over this agent's containers in containerd and continues the deletes that had begun. */
  async restore(): Promise<void> {
    if (!this.isRestored) await this.parts.recovery.begin();
    for (const [id, keepLog] of await this.parts.recovery.restore()) this.delete(id, { keepLog });
    this.isRestored = true;
  }

  private async place(order: AgentCreate, abandoned: AbortSignal): Promise<CreateSandboxResponse> {
    const { admission, table } = this.parts;
    const id = order.request.sandboxId;
    const claim = newClaim(order, this.parts.config.namespace, admission);
    const { ports, memoryBytes, storageBytes } = order;
    const demand = { ports, memoryBytes, storageBytes };
    const known = [...table.list(), ...this.removed.of(claim.claimUid)];
    const deleted = this.namedDeletes.overtaking(claim.namespace, claim.claimName, order.afterDelete);
    const refusal =
      otherAgent(order.agentUid, this.parts.config.podUid) ??
      staleGeneration({ generation: undefined, ...claim }, known) ??
      (deleted && overtaken(id)) ??
      admission.admit(id, demand);
    if (refusal) throw new AdmissionError(refusal, admission.free(), deleted);
    table.add(toStatus(claim, 'creating'));
    const stages = await this.make(order, claim, abandoned);
    this.requireNotDeleted(order, table.get(id));
    return { success: true, sandboxId: id, createdAt: claim.createdAt, stages };
  }

  /**
   * Makes the container of an admitted sandbox. A failure releases its slot; after a CleanupFailedError, its removal does.
   */
  private async make(order: AgentCreate, claim: Claim, abandoned: AbortSignal): Promise<readonly Stage[]> {
    const { admission, table, containers, exits, metrics } = this.parts;
    const id = claim.sandboxId;
    try {
      const stages = await containers.create(order, claim, abandoned);
      metrics.created(stages);
      table.update(id, { phase: 'running' });
      const exit = exits.takeEarly(id);
      if (exit) void exits.exited(id, exit).catch(() => undefined); // where it fails, the next restore records it
      return stages;
    } catch (error) {
      exits.forget(id);
      if (error instanceof CleanupFailedError) this.endLeftover(id);
      else {
        admission.release(id);
        table.remove(id);
      }
      throw error;
    }
  }

  /**
   * Refuses to answer a create with a sandbox that is being deleted, where the order checks deletes by name.
   * @throws AdmissionError stale_generation
   */
  private requireNotDeleted({ afterDelete }: AgentCreate, sandbox: AgentSandboxStatus | undefined): void {
    if (afterDelete === undefined || !sandbox) return;
    const { sandboxId, phase } = sandbox;
    if (phase !== 'terminating' && !this.deleting.has(sandboxId)) return;
    throw new AdmissionError(overtaken(sandboxId), this.parts.admission.free());
  }

  /** Ends a container that a failed create left. It holds its slot until it is removed, since its process may run. */
  private endLeftover(id: string): void {
    this.parts.table.update(id, { phase: 'terminating', message: CREATE_FAILED });
    this.delete(id);
  }

  private async end(id: string, grace: GracePeriod): Promise<void> {
    const { admission, table, runtime, exits, traffic } = this.parts;
    const creation = this.creations.get(id);
    creation?.abandoned.abort();
    await creation?.work.catch(() => undefined); // its callers get the error
    if (!table.get(id) && !(await this.adoptUnknown(id))) return;
    const { phase, terminationGracePeriodSeconds = DEFAULT_GRACE_SECONDS } = table.get(id) ?? {};
    table.update(id, { phase: 'terminating' });
    grace.begin(terminationGracePeriodSeconds);
    const labels = { [ContainerLabels.terminating]: String(Date.now()), ...this.endLabels(id, grace) };
    await runtime.setLabels(id, labels).catch(() => undefined); // the record may be gone already
    if (phase === 'running' || phase === 'terminating') await this.terminate(id, grace);
    await traffic.lull(REMOVE_LATEST_MS);
    await this.remove(id);
    exits.forget(id);
    const last = table.get(id);
    if (last) this.removed.remember(last);
    admission.release(id);
    table.remove(id);
  }

  /** Labels by which the janitor and a restarted agent know of a delete in progress. */
  private endLabels(id: string, { until }: GracePeriod): Readonly<Record<string, string>> {
    return {
      ...(until === Infinity ? {} : { [ContainerLabels.terminatingUntil]: String(until) }),
      ...(this.keepingLog.has(id) ? { [ContainerLabels.keepLog]: 'true' } : {}),
    };
  }

  /** Sends the stop signal, and SIGKILL after the grace period, also where containerd is away for a part of it. */
  private async terminate(id: string, grace: GracePeriod): Promise<void> {
    const { runtime } = this.parts;
    while (!grace.signal.aborted) {
      try {
        await runtime.kill(id, await this.parts.claims.stopSignal(id));
        await this.report(id, await runtime.wait(id, MAX_GRACE_SECONDS * 1000, grace.signal));
        break;
      } catch (error) {
        if (!isAnswerless(error)) return;
        await sleep(RETRY_MS, undefined, { signal: grace.signal }).catch(() => undefined);
      }
    }
    if (this.parts.table.get(id)?.finishedAt !== undefined) return;
    await runtime.kill(id, 'SIGKILL').catch(() => undefined); // the removal kills it again, and checks
    await this.report(id, await runtime.wait(id, KILLED_MS).catch(() => undefined));
  }

  private async report(id: string, exited: Exited | undefined): Promise<void> {
    if (!exited) return;
    const { exitStatus: exitCode, exitedAt = new Date() } = exited;
    await this.parts.exits.exitedOnDelete(id, { exitCode, exitedAt });
  }

  private async remove(id: string): Promise<void> {
    const keepLog = async (): Promise<void> => {
      const ended = this.parts.table.get(id);
      if (ended && this.keepingLog.has(id)) await this.parts.endedLogs.keep(ended);
    };
    for (let attempt = 1; ; attempt++) {
      try {
        await this.parts.containers.remove(id, keepLog);
        return;
      } catch (error) {
        if (attempt === REMOVE_ATTEMPTS) throw error;
        await sleep(500 * 2 ** attempt);
      }
    }
  }

  /** Adopts a container of this agent that the table does not have. @returns whether the table has it now */
  private async adoptUnknown(id: string): Promise<boolean> {
    const record = await this.parts.claims.find(id);
    if (record) await this.parts.recovery.adopt(record);
    return this.parts.table.get(id) !== undefined;
  }
}

function overtaken(sandboxId: string): Refusal {
  return { code: 'stale_generation', message: `${sandboxId} was deleted while it was being made` };
}

/** Refuses a call for another agent: the Pod's address may have been another Pod's, and the caller may not know yet. */
function otherAgent(meant: string | undefined, own: string): Refusal | undefined {
  if (meant === undefined || meant === own) return undefined;
  return { code: 'other_agent', message: `this is the agent of Pod ${own}, not of ${meant}` };
}
