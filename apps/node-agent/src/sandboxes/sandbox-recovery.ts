import { ContainerLabels } from '@fsb/api/labels';
import { type ContainerRecord } from '@fsb/containerd/sandbox-runtime';
import { type Admission } from './admission';
import { Claim } from './claim';
import { type ClaimRecords } from './claim-records';
import { type SandboxExits } from './sandbox-exits';
import { toStatus } from './sandbox-status';
import { type SandboxTable } from './sandbox-table';

/** Brings the table to what containerd has: after a start of the agent, and after each of containerd's. */
export class SandboxRecovery {
  constructor(
    private readonly admission: Admission,
    private readonly table: SandboxTable,
    private readonly claims: ClaimRecords,
    private readonly exits: SandboxExits,
  ) {}

  /** @returns the ids of those whose end had begun */
  async restore(): Promise<string[]> {
    const before = this.table.list().filter(({ phase }) => phase === 'running');
    const records = await this.claims.list();
    const ending: string[] = [];
    for (const record of records) if (await this.adopt(record)) ending.push(record.id);
    const there = new Set(records.map(({ id }) => id));
    for (const { sandboxId } of before) if (!there.has(sandboxId)) this.lost(sandboxId);
    return ending;
  }

  /** Whether the sandbox's end had begun. */
  async adopt(record: ContainerRecord): Promise<boolean> {
    const parsed = Claim.safeParse(record.claim);
    if (!parsed.success) return false; // not in our words: the janitor's to judge
    const claim = parsed.data;
    const id = claim.sandboxId;
    const known = this.table.get(id);
    if (known?.phase === 'creating') return false;
    if (known?.phase === 'terminating' || record.labels[ContainerLabels.terminating] !== undefined) {
      if (!known) this.takeOver(claim, 'terminating');
      return true;
    }
    if (known && known.phase !== 'running') await this.recordAgain(claim, known);
    else if (claim.finished) this.ended(claim, claim.finished);
    else await this.reconcile(record, claim);
    return false;
  }

  private async reconcile(record: ContainerRecord, claim: Claim): Promise<void> {
    if (!this.table.get(claim.sandboxId)) this.takeOver(claim, 'running');
    if (!record.task) this.lost(claim.sandboxId);
    else if (record.task.status === 'stopped') {
      const { exitStatus, exitedAt } = record.task;
      await this.exits.exited(claim.sandboxId, { exitCode: exitStatus, exitedAt: exitedAt ?? new Date() });
    }
  }

  private takeOver(claim: Claim, phase: 'running' | 'terminating'): void {
    this.admission.hold(claim.sandboxId, { ports: claim.ports, memoryBytes: claim.memoryBytes });
    this.table.set(toStatus(claim, phase));
  }

  private ended(claim: Claim, finished: NonNullable<Claim['finished']>): void {
    this.admission.release(claim.sandboxId);
    this.table.set({ ...toStatus(claim, finished.exitCode === 0 ? 'stopped' : 'failed'), ...finished });
  }

  /** containerd was away when the end was to be recorded. */
  private async recordAgain(
    claim: Claim,
    known: { exitCode?: number; reason?: string; finishedAt?: string },
  ): Promise<void> {
    const { exitCode, reason, finishedAt } = known;
    if (claim.finished || exitCode === undefined || reason === undefined || finishedAt === undefined) return;
    await this.exits.record(claim.sandboxId, { exitCode, reason, finishedAt });
  }

  private lost(id: string): void {
    this.admission.release(id);
    this.table.update(id, { phase: 'failed', reason: 'ContainerGone', message: 'its process is gone' });
  }
}
