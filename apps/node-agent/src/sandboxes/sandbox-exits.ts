import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentPhase, type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type Admission } from './admission';
import { type Claim } from './claim';
import { type ClaimRecords } from './claim-records';
import { type SandboxCgroups } from './sandbox-cgroups';
import { type SandboxTable } from './sandbox-table';

export interface Exit {
  readonly exitCode: number;
  readonly exitedAt: Date;
}

export interface Why {
  readonly reason: string;
  readonly message: string;
}

export interface ExitParts {
  readonly admission: Admission;
  readonly table: SandboxTable;
  readonly claims: ClaimRecords;
  readonly runtime: SandboxRuntime;
  readonly cgroups: SandboxCgroups;
}

/** What containerd tells for a task whose shim died with it, for want of the real code: 128 + SIGKILL, or unknown. */
const TOLD_OF_THE_DEAD: ReadonlySet<number> = new Set([137, 255]);
export const SHIM_DIED = {
  reason: 'ShimDied',
  message: 'the shim of its container was killed, and its process with it: how it would have ended is not known',
};

/** An OOM event may come just after the exit that it explains. */
const OOM_SETTLE_MS = 100;
const ENDED: ReadonlySet<AgentPhase | undefined> = new Set<AgentPhase | undefined>([
  ...(['stopped', 'failed', 'terminated'] as const),
  undefined,
]);

/** The ends of sandboxes that nobody asked for: told at once, then recorded, and what they held in containerd given back. */
export class SandboxExits {
  private readonly outOfMemory = new Set<string>();
  /** Exits that came before their create had returned. */
  private readonly early = new Map<string, Exit>();
  /** Why the agent itself has killed them. */
  private readonly evicted = new Map<string, Why>();
  /** Told, and not recorded yet. */
  private readonly recording = new Map<string, Promise<void>>();

  constructor(private readonly parts: ExitParts) {}

  noteOutOfMemory(id: string): void {
    if (this.parts.table.get(id)) this.outOfMemory.add(id);
  }

  async exited(id: string, exit: Exit): Promise<void> {
    const phase = this.parts.table.get(id)?.phase;
    if (phase === 'creating') this.early.set(id, exit);
    if (phase !== 'running' || this.recording.has(id)) return;
    const work = this.settle(id, exit).finally(() => this.recording.delete(id));
    this.recording.set(id, work);
    await work;
  }

  /** The exit that came while the sandbox was being made. */
  takeEarly(id: string): Exit | undefined {
    const exit = this.early.get(id);
    this.early.delete(id);
    return exit;
  }

  /**
   * Resolves when the sandbox has ended and its log is complete: the shim copies the last output before its task is deleted.
   * @returns the status with the outcome; undefined where the sandbox was removed
   */
  async over(id: string, signal: AbortSignal): Promise<AgentSandboxStatus | undefined> {
    await this.parts.table.until(id, (sandbox) => ENDED.has(sandbox?.phase), signal);
    const status = this.parts.table.get(id);
    await this.recording.get(id)?.catch(() => undefined); // not recorded: the log is as whole as it gets
    return status;
  }

  /** Claim, then task and snapshot. Can be repeated. */
  async record(id: string, finished: NonNullable<Claim['finished']>): Promise<void> {
    await this.parts.claims.change(id, { finished });
    await this.parts.runtime.release(id);
    if (finished.exitCode === undefined) await this.parts.runtime.bury((await this.parts.claims.shimGroup(id)) ?? id);
  }

  /** Its task is gone, and its exit code with it. */
  async lost(id: string, why: Why): Promise<void> {
    const finished = { ...why, finishedAt: new Date().toISOString() };
    await this.parts.cgroups.remove(id); // before anybody is told that its slot and ports are free
    if (this.parts.table.get(id)?.phase !== 'running') return; // deleted meanwhile
    this.parts.admission.release(id);
    this.parts.table.update(id, { phase: 'failed', ...finished });
    await this.record(id, finished);
  }

  /** Ends one that runs for what it did: its exit is told with `why`. @throws ApiError where containerd does not kill it */
  async evict(id: string, why: Why): Promise<void> {
    if (this.parts.table.get(id)?.phase !== 'running') return;
    this.evicted.set(id, why);
    await this.parts.runtime.kill(id, 'SIGKILL');
  }

  forget(id: string): void {
    this.evicted.delete(id);
    this.outOfMemory.delete(id);
    this.early.delete(id);
  }

  private async settle(id: string, { exitCode, exitedAt }: Exit): Promise<void> {
    if (exitCode === 137) await sleep(OOM_SETTLE_MS);
    const isDead = TOLD_OF_THE_DEAD.has(exitCode) && !(await this.parts.runtime.hasTask(id));
    if (this.parts.table.get(id)?.phase !== 'running') return; // deleted meanwhile
    if (isDead) {
      await this.lost(id, SHIM_DIED);
      return;
    }
    const finished = { exitCode, ...this.whyEnded(id, exitCode), finishedAt: exitedAt.toISOString() };
    this.parts.admission.release(id);
    this.parts.table.update(id, { phase: exitCode === 0 ? 'stopped' : 'failed', ...finished });
    await this.record(id, finished);
  }

  private whyEnded(id: string, exitCode: number): Partial<Why> & Pick<Why, 'reason'> {
    const evicted = this.evicted.get(id);
    this.evicted.delete(id);
    const isOutOfMemory = this.outOfMemory.delete(id);
    if (exitCode === 0) return { reason: isOutOfMemory ? 'OOMKilled' : 'Completed' }; // it was faster than the kill
    return evicted ?? { reason: isOutOfMemory ? 'OOMKilled' : 'Error' };
  }
}
