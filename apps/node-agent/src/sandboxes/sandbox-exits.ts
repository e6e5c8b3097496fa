import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { messageOf } from '@fsb/api/errors';
import { isAnswerless } from '@fsb/containerd/runtime-errors';
import { type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type Admission } from './admission';
import { type Why } from './claim';
import { type ClaimRecords } from './claim-records';
import { type SandboxCgroups } from './sandbox-cgroups';
import { type Finished, outcome, phaseAfter } from './sandbox-status';
import { type SandboxTable } from './sandbox-table';

export interface Exit {
  /** 128 + signal where a signal ended the process */
  readonly exitCode: number;
  readonly exitedAt: Date;
}

export interface ExitParts {
  readonly admission: Admission;
  readonly table: SandboxTable;
  readonly claims: ClaimRecords;
  readonly runtime: SandboxRuntime;
  readonly cgroups: Pick<SandboxCgroups, 'remove' | 'oomKills'>;
}

/** Codes that containerd reports for the task of a dead shim in place of the real one: 128 + SIGKILL, or unknown. */
const CODES_OF_DEAD_SHIMS: ReadonlySet<number> = new Set([137, 255]);
const SHIM_LOST: Why = {
  reason: 'ShimLost',
  message: 'the shim of its container was killed, and its process with it: how it would have ended is not known',
};
const CHILD_OUT_OF_MEMORY = 'it completed, but a process of it was killed for want of memory';

/** An OOM event may come just after the exit that it explains. Only waited for where the cgroup cannot be read. */
const OOM_SETTLE_MS = 100;
const RETRY_MS = 500;

/** The exits of sandboxes that nobody asked to end: reported at once, then recorded, then what they held in containerd is released. */
export class SandboxExits {
  private readonly logger = new Logger(SandboxExits.name);
  private readonly outOfMemory = new Set<string>();
  /** Exits that came before their create had returned. */
  private readonly early = new Map<string, Exit>();
  /** Why the agent itself has killed them. */
  private readonly evicted = new Map<string, Why>();
  /** Exits that are not recorded yet. */
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

  /** The exit of a sandbox that is being deleted: reported as long as the sandbox is. */
  async exitedOnDelete(id: string, exit: Exit): Promise<void> {
    this.parts.table.update(id, outcome(await this.explain(id, exit)));
  }

  /**
   * Resolves when the sandbox has ended and its log is complete: the shim copies the last output before its task is deleted.
   * @returns the status with the outcome; undefined where the sandbox was removed
   * @throws ApiError unavailable where it was never made
   */
  async over(id: string, signal: AbortSignal): Promise<AgentSandboxStatus | undefined> {
    const status = await this.parts.table.untilEnded(id, signal);
    await this.recording.get(id)?.catch(() => undefined); // not recorded: the log is as whole as it gets
    return status;
  }

  isRecording(id: string): boolean {
    return this.recording.has(id);
  }

  /** Writes the end into the claim, then releases task and snapshot. Can be repeated. */
  async record(id: string, finished: Finished): Promise<void> {
    await this.parts.claims.change(id, { finished });
    await this.parts.runtime.release(id);
    if (finished.exitCode === undefined) await this.parts.runtime.bury((await this.parts.claims.shimGroup(id)) ?? id);
  }

  /** The shim was killed: the task is gone, and its exit code with it. */
  async shimLost(id: string): Promise<void> {
    await this.parts.cgroups.remove(id); // before the report says that its slot and ports are free
    await this.finish(id, { ...SHIM_LOST, finishedAt: new Date().toISOString() });
  }

  /**
   * Kills a running sandbox for what it did: its exit is reported with `why`, also by the agent's next process.
   * @throws ApiError where containerd does not kill it
   */
  async evict(id: string, why: Why): Promise<void> {
    if (this.parts.table.get(id)?.phase !== 'running') return;
    await this.parts.claims.change(id, { evicted: why });
    this.noteEvicted(id, why);
    await this.parts.runtime.kill(id, 'SIGKILL');
  }

  noteEvicted(id: string, why: Why): void {
    this.evicted.set(id, why);
  }

  forget(id: string): void {
    this.evicted.delete(id);
    this.outOfMemory.delete(id);
    this.early.delete(id);
  }

  private async settle(id: string, exit: Exit): Promise<void> {
    const mayBeLost = CODES_OF_DEAD_SHIMS.has(exit.exitCode);
    if (mayBeLost && !(await this.answered(id, () => this.parts.runtime.hasTask(id)))) await this.shimLost(id);
    else await this.finish(id, await this.explain(id, exit));
  }

  private async finish(id: string, finished: Finished): Promise<void> {
    const { admission, table } = this.parts;
    const isDeleted = table.get(id)?.phase !== 'running'; // its slot is the delete's to give back, its record to remove
    if (!isDeleted) admission.release(id);
    table.update(id, { phase: phaseAfter(finished), ...outcome(finished) });
    if (!isDeleted) await this.answered(id, () => this.record(id, finished));
  }

  /** Asks containerd again until it answers, as long as the sandbox is there. */
  private async answered<T>(id: string, ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!isAnswerless(error) || !this.parts.table.get(id)) throw error;
        this.logger.warn({ msg: 'an exit waits for containerd', sandbox: id, error: messageOf(error) });
      }
      await sleep(RETRY_MS, undefined, { ref: false });
    }
  }

  private async explain(id: string, { exitCode, exitedAt }: Exit): Promise<Finished> {
    const wasOutOfMemory = await this.wasOutOfMemory(id, exitCode);
    const end = { exitCode, finishedAt: exitedAt.toISOString() };
    // a process that completed was faster than the kill, or outlived a child that was killed
    if (exitCode === 0) {
      return { ...end, reason: 'Completed', ...(wasOutOfMemory ? { message: CHILD_OUT_OF_MEMORY } : {}) };
    }
    return { ...end, ...(this.evicted.get(id) ?? { reason: wasOutOfMemory ? 'OOMKilled' : 'Error' }) };
  }

  /** The cgroup's count is true also where the event is late, or was sent to a process before this one. */
  private async wasOutOfMemory(id: string, exitCode: number): Promise<boolean> {
    const kills = await this.parts.cgroups.oomKills(id);
    if (kills === undefined && exitCode === 137) await sleep(OOM_SETTLE_MS);
    return (kills ?? 0) > 0 || this.outOfMemory.has(id);
  }
}
