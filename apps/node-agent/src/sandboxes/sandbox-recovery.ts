import { Logger } from '@nestjs/common';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { messageOf } from '@fsb/api/errors';
import { ContainerLabels } from '@fsb/api/labels';
import { type ContainerIds } from '@fsb/containerd/container-ids';
import { type ContainerRecord } from '@fsb/containerd/sandbox-runtime';
import { type ShimGroups } from '@fsb/containerd/shim-groups';
import { ANSWER_MS } from '../launch/launch-answer';
import { LaunchFolder } from '../launch/launch-folder';
import { type ClaimFiles } from '../warm/claim-files';
import { type WarmContainers } from '../warm/warm-containers';
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
  readonly warm: WarmContainers;
}

/** Brings the table to what containerd has: after a start of the agent, and after each of containerd's. */
export class SandboxRecovery {
  private readonly logger = new Logger(SandboxRecovery.name);

  constructor(private readonly parts: RecoveryParts) {}

  /** Before anything is admitted: what a process before this one had begun to make and not finished. */
  async begin(): Promise<void> {
    const { claims, claimFiles, folder, groups } = this.parts;
    await claims.dropStraySnapshots();
    await claimFiles.recordLeft();
    const records = await claims.list();
    for (const { id, labels, task } of records) if (task) groups?.know(id, labels[ContainerLabels.shimGroup]);
    await folder.removeStrays(new Set(records.flatMap((record) => [record.id, this.sandboxIdOf(record)])));
  }

  /** @returns those that are to be ended, as their end had begun or their start was never finished; true: their log stays */
  async restore(): Promise<ReadonlyMap<string, boolean>> {
    const { table, claims, claimFiles } = this.parts;
    await claimFiles.allRecorded();
    const before = table.list().filter(({ phase }) => phase === 'running');
    // containerd's answer is older than what changes from here on
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

  /** Whether the sandbox is to be ended. */
  async adopt(record: ContainerRecord): Promise<boolean> {
    const { table } = this.parts;
    const parsed = Claim.safeParse(record.claim);
    if (!parsed.success) return false; // not in our words: the janitor's to judge
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

  /** A container whose process never started was never told to anybody as running. */
  private async isToEnd({ id, labels, task }: ContainerRecord, claim: Claim, isKnown: boolean): Promise<boolean> {
    if (labels[ContainerLabels.terminating] !== undefined) return true;
    if (isKnown || claim.finished) return false;
    const hadWaited = id !== claim.sandboxId; // its launcher runs, whether it was given its order or not
    if (task && !hadWaited) return task.status === 'created';
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

  /** Beside the others, who must not wait for processes that are slow to die; what fails, the next restore tries again. */
  private lost(id: string): void {
    this.parts.exits.shimLost(id).catch((error: unknown) => {
      this.logger.error({ msg: 'what a dead shim has left is not gone', sandbox: id, error: messageOf(error) });
    });
  }

  /** Of a cold create whose agent was killed before its launcher's answer: values of variables. The launcher may still read it. */
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

  /** containerd was away when the end was to be recorded, and the agent gave up. */
  private async recordAgain(claim: Claim, known: AgentSandboxStatus): Promise<void> {
    const { exitCode, reason, message, finishedAt } = known;
    if (claim.finished || reason === undefined || finishedAt === undefined) return;
    if (this.parts.exits.isRecording(claim.sandboxId)) return;
    await this.parts.exits.record(claim.sandboxId, { exitCode, reason, message, finishedAt });
  }

  /** Its very container is gone: somebody else removed it. */
  private gone(id: string): void {
    this.parts.admission.release(id);
    const why = { reason: 'ContainerGone', message: 'its container is gone', finishedAt: new Date().toISOString() };
    this.parts.table.update(id, { phase: 'failed', ...why });
  }

  /** Of a claim that containerd has not been told yet, only we know. */
  private sandboxIdOf({ id, labels }: ContainerRecord): string {
    return labels[ContainerLabels.id] ?? this.parts.ids.sandboxOf(id);
  }
}
