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

/** Wait for an OOM event that comes just after the exit it explains. Used only where the cgroup cannot be read. */
const OOM_SETTLE_MS = 100;
const RETRY_MS = 500;

/** Handles unrequested exits: reports each at once, then records it, then releases its task and snapshot. */
export class SandboxExits {
  private readonly logger = new Logger(SandboxExits.name);
  private readonly outOfMemory = new Set<string>();
  /** exits that came before their create returned */
  private readonly early = new Map<string, Exit>();
  /** why the agent itself killed a sandbox */
  private readonly evicted = new Map<string, Why>();
  /** exits that are being recorded */
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

  /** Takes the exit that came while the sandbox was being made. */
  takeEarly(id: string): Exit | undefined {
    const exit = this.early.get(id);
    this.early.delete(id);
    return exit;
  }

  /** Reports the exit of a sandbox that is being deleted: in the table only, until the sandbox is removed. */
  async exitedOnDelete(id: string, exit: Exit): Promise<void> {
    this.parts.table.update(id, outcome(await this.explain(id, exit)));
  }

  /**
   * Resolves when the sandbox has ended and its log is complete: the shim copies the last output before its task is deleted.
   * @returns the status with the outcome; undefined where the sandbox was removed
   * @throws ApiError unavailable where its create failed
   */
  async untilComplete(id: string, signal: AbortSignal): Promise<AgentSandboxStatus | undefined> {
    const status = await this.parts.table.untilEnded(id, signal);
    await this.recording.get(id)?.catch(() => undefined); // where it fails, the log gets no more complete
    return status;
  }

  isRecording(id: string): boolean {
    return this.recording.has(id);
  }

  /** Writes the end into the claim, then releases task and snapshot. Idempotent. */
  async record(id: string, finished: Finished): Promise<void> {
    await this.parts.claims.change(id, { finished });
    await this.parts.runtime.release(id);
    if (finished.exitCode === undefined)
      await this.parts.runtime.closeGroup((await this.parts.claims.shimGroup(id)) ?? id);
  }

  /** Ends a sandbox whose shim was killed: its task is gone, and its exit code with it. */
  async shimLost(id: string): Promise<void> {
    await this.parts.cgroups.remove(id); // before the report says that its slot and ports are free
    await this.finish(id, { ...SHIM_LOST, finishedAt: new Date().toISOString() });
  }

  /**
   * Kills a running sandbox for what it did. Its exit is reported with `why`, also by a restarted agent.
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
    if (mayBeLost && !(await this.untilAnswered(id, () => this.parts.runtime.hasTask(id)))) await this.shimLost(id);
    else await this.finish(id, await this.explain(id, exit));
  }

  private async finish(id: string, finished: Finished): Promise<void> {
    const { admission, table } = this.parts;
    const isDeleted = table.get(id)?.phase !== 'running'; // the delete releases the slot and removes the record
    if (!isDeleted) admission.release(id);
    table.update(id, { phase: phaseAfter(finished), ...outcome(finished) });
    if (!isDeleted) await this.untilAnswered(id, () => this.record(id, finished));
  }

  /** Repeats a call until containerd answers it or the sandbox is gone. */
  private async untilAnswered<T>(id: string, ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!isAnswerless(error) || !this.parts.table.get(id)) throw error;
        this.logger.warn({ msg: 'exit not recorded yet: containerd is silent', sandbox: id, error: messageOf(error) });
      }
      await sleep(RETRY_MS, undefined, { ref: false });
    }
  }

  private async explain(id: string, { exitCode, exitedAt }: Exit): Promise<Finished> {
    const wasOutOfMemory = await this.wasOutOfMemory(id, exitCode);
    const end = { exitCode, finishedAt: exitedAt.toISOString() };
    // exit code 0: the process was faster than the kill, or outlived a child that was killed
    if (exitCode === 0) {
      return { ...end, reason: 'Completed', ...(wasOutOfMemory ? { message: CHILD_OUT_OF_MEMORY } : {}) };
    }
    return { ...end, ...(this.evicted.get(id) ?? { reason: wasOutOfMemory ? 'OOMKilled' : 'Error' }) };
  }

  /** The cgroup's count covers events that are late, or that were sent to an earlier agent process. */
  private async wasOutOfMemory(id: string, exitCode: number): Promise<boolean> {
    const kills = await this.parts.cgroups.oomKills(id);
    if (kills === undefined && exitCode === 137) await sleep(OOM_SETTLE_MS);
    return (kills ?? 0) > 0 || this.outOfMemory.has(id);
  }
}
