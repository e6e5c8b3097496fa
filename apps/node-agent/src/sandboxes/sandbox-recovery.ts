import { Logger } from '@nestjs/common';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { messageOf } from '@fsb/api/errors';
import { ContainerLabels } from '@fsb/api/labels';
import { type ContainerIds } from '@fsb/containerd/container-ids';
import { type ContainerRecord } from '@fsb/containerd/sandbox-runtime';
import { type ShimGroups } from '@fsb/containerd/shim-groups';
import { ANSWER_MS } from '../launch/launch-answer';
import { LaunchFolder } from '../launch/launch-folder';
import { type ClaimFiles } from '../standby/claim-files';
import { type StandbyContainers } from '../standby/standby-containers';
import { type Admission } from './admission';
import { Claim } from './claim';
import { type ClaimRecords } from './claim-records';
import { type SandboxExits } from './sandbox-exits';
import { type SandboxFolder } from './sandbox-files';
import { type Finished, phaseAfter, toStatus } from './sandbox-status';
import { type SandboxTable } from './sandbox-table';

export interface RecoveryParts {
  readonly admission: Admission;
  readonly table: SandboxTable;
  readonly claims: ClaimRecords;
  readonly claimFiles: ClaimFiles;
  readonly exits: SandboxExits;
  readonly folder: SandboxFolder;
  readonly groups: ShimGroups | undefined;
  readonly ids: ContainerIds;
  readonly warm: StandbyContainers;
}

/** Brings the table in line with containerd, after each start of the agent and of containerd. */
export class SandboxRecovery {
  private readonly logger = new Logger(SandboxRecovery.name);

  constructor(private readonly parts: RecoveryParts) {}

  /**
   * Finishes the work of an earlier agent process, before anything is admitted: records its claim files, adopts its
   * shim groups, and removes snapshots and folders of creates that it began and did not finish.
   */
  async begin(): Promise<void> {
    const { claims, claimFiles, folder, groups } = this.parts;
    await claims.removeOrphanSnapshots();
    await claimFiles.recordPending();
    const records = await claims.list();
    for (const { id, labels, task } of records) if (task) groups?.adopt(id, labels[ContainerLabels.shimGroup]);
    await folder.removeOrphans(new Set(records.flatMap((record) => [record.id, this.sandboxIdOf(record)])));
  }

  /**
   * @returns sandboxes whose end had begun or whose start was not finished: they are to be ended; true: the log is kept
   */
  async restore(): Promise<ReadonlyMap<string, boolean>> {
    const { table, claims, claimFiles } = this.parts;
    await claimFiles.allRecorded();
    const before = table.list().filter(({ phase }) => phase === 'running');
    // a sandbox that changes from here on is newer than containerd's answer
    return table.during(async (changed) => {
      const records = await claims.list();
      const ending = new Map<string, boolean>();
      for (const record of records) {
        const id = this.sandboxIdOf(record);
        const keepsLog = record.labels[ContainerLabels.keepLog] === 'true';
        if (!changed.has(id) && (await this.adopt(record))) ending.set(id, keepsLog);
      }
      this.parts.warm.restore(records);
      const there = new Set(records.map((record) => this.sandboxIdOf(record)));
      for (const { sandboxId } of before) if (!there.has(sandboxId) && !changed.has(sandboxId)) this.gone(sandboxId);
      const terminating = table.list().filter(({ phase }) => phase === 'terminating');
      for (const { sandboxId } of terminating) ending.set(sandboxId, ending.get(sandboxId) ?? false);
      return ending;
    });
  }

  /** Takes a container into the table. @returns whether its sandbox is to be ended */
  async adopt(record: ContainerRecord): Promise<boolean> {
    const { table } = this.parts;
    const parsed = Claim.safeParse(record.claim);
    if (!parsed.success) return false; // no valid claim: left to the janitor
    const claim = parsed.data;
    this.parts.ids.pair(claim.sandboxId, record.id);
    const known = table.get(claim.sandboxId);
    if (known?.phase === 'creating') return false;
    if (known?.phase === 'terminating' || (await this.isToEnd(record, claim, known !== undefined))) {
      if (!known) this.takeOver(claim, 'terminating');
      return true;
    }
    if (known && known.phase !== 'running') await this.recordAgain(claim, known);
    else if (claim.finished) this.ended(claim, claim.finished);
    else await this.reconcile(record, claim);
    return false;
  }

  /** True where a delete had begun, or where the process never started and so was never reported as running. */
  private async isToEnd({ id, labels, task }: ContainerRecord, claim: Claim, isKnown: boolean): Promise<boolean> {
    if (labels[ContainerLabels.terminating] !== undefined) return true;
    if (isKnown || claim.finished) return false;
    const wasStandby = id !== claim.sandboxId; // its launcher runs, with or without an order
    if (task && !wasStandby) return task.status === 'created';
    return !(await this.parts.folder.wasStarted(claim.sandboxId));
  }

  private async reconcile(record: ContainerRecord, claim: Claim): Promise<void> {
    const { table, exits, folder } = this.parts;
    if (!table.get(claim.sandboxId)) this.takeOver(claim, 'running');
    if (record.id === claim.sandboxId) this.forgetOrder(folder.launchFolder(record.id));
    if (claim.evicted) exits.noteEvicted(claim.sandboxId, claim.evicted);
    if (!record.task) this.lost(claim.sandboxId);
    else if (record.task.status === 'stopped') {
      const { exitStatus, exitedAt } = record.task;
      await exits.exited(claim.sandboxId, { exitCode: exitStatus, exitedAt: exitedAt ?? new Date() });
    }
  }

  /** Not awaited: the others must not wait for processes that are slow to die. The next restore retries. */
  private lost(id: string): void {
    this.parts.exits.shimLost(id).catch((error: unknown) => {
      this.logger.error({ msg: 'a sandbox of a dead shim was not ended', sandbox: id, error: messageOf(error) });
    });
  }

  /**
   * Deletes the order, which has values of variables, of a cold create whose agent was killed before its launcher's
   * answer. Delayed, since the launcher may still read it.
   */
  private forgetOrder(launchFolder: string): void {
    setTimeout(() => {
      new LaunchFolder(launchFolder).forgetOrder();
    }, ANSWER_MS).unref();
  }

  private takeOver(claim: Claim, phase: 'running' | 'terminating'): void {
    this.parts.admission.hold(claim.sandboxId, {
      ports: claim.ports,
      memoryBytes: claim.memoryBytes,
      storageBytes: claim.storageBytes,
    });
    this.parts.table.add(toStatus(claim, phase));
  }

  private ended(claim: Claim, finished: Finished): void {
    this.parts.admission.release(claim.sandboxId);
    this.parts.table.add(toStatus(claim, phaseAfter(finished)));
  }

  /** Records an end again, where the agent gave up recording it while containerd was away. */
  private async recordAgain(claim: Claim, known: AgentSandboxStatus): Promise<void> {
    const { exitCode, reason, message, finishedAt } = known;
    if (claim.finished || reason === undefined || finishedAt === undefined) return;
    if (this.parts.exits.isRecording(claim.sandboxId)) return;
    await this.parts.exits.record(claim.sandboxId, { exitCode, reason, message, finishedAt });
  }

  /** Fails a sandbox whose container another process has removed. */
  private gone(id: string): void {
    this.parts.admission.release(id);
    const why = { reason: 'ContainerGone', message: 'its container is gone', finishedAt: new Date().toISOString() };
    this.parts.table.update(id, { phase: 'failed', ...why });
  }

  /** The label, else this agent's own pairing: a claim may not be in containerd yet. */
  private sandboxIdOf({ id, labels }: ContainerRecord): string {
    return labels[ContainerLabels.id] ?? this.parts.ids.sandboxOf(id);
  }
}
