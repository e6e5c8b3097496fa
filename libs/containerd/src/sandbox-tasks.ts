import { setTimeout as sleep } from 'node:timers/promises';
import { isApiError } from '@fsb/api/errors';
import { type ContainerdClient } from './containerd-client';
import { absentIsFine } from './runtime-errors';
import { type ShimGroups } from './shim-groups';

const SIGNALS = { SIGTERM: 15, SIGKILL: 9 } as const;
export type Signal = keyof typeof SIGNALS;

export interface Exited {
  readonly exitStatus: number;
  readonly exitedAt: Date | undefined;
}

const REMOVE_ATTEMPTS = 5;

/** The tasks of sandboxes' containers: signals, waiting, removal. */
export class SandboxTasks {
  /** tasks that have ended, not removed yet: with the first process of a pid namespace, the kernel ends all others */
  private readonly ended = new Set<string>();

  constructor(
    private readonly client: ContainerdClient,
    private readonly groups: ShimGroups | undefined,
  ) {}

  /** Sends SIGKILL to all processes, any other signal to the first one. */
  async kill(id: string, signal: Signal | number): Promise<void> {
    const number = typeof signal === 'number' ? signal : SIGNALS[signal];
    const request = { containerId: id, signal: number, all: signal === 'SIGKILL' };
    await absentIsFine(this.client.tasks.kill(request));
  }

  async wait(id: string, deadlineMs: number, signal?: AbortSignal): Promise<Exited | undefined> {
    try {
      const exited = await this.client.tasks.wait({ containerId: id }, { deadlineMs, signal });
      this.ended.add(id);
      return exited;
    } catch (error) {
      if (isApiError(error, 'not_found') || isApiError(error, 'deadline_exceeded')) return undefined;
      throw error;
    }
  }

  async exists(id: string): Promise<boolean> {
    try {
      await this.client.tasks.get({ containerId: id });
      return true;
    } catch (error) {
      if (isApiError(error, 'not_found')) return false;
      throw error;
    }
  }

  /** Kills and removes a task, with retries: crun in a shared shim once answered a good delete with "ttrpc: closed". */
  async remove(id: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        if (!this.ended.has(id)) {
          await this.kill(id, 'SIGKILL').catch(() => undefined);
          await this.wait(id, 5000);
        }
        this.ended.delete(id);
        await this.groups?.prepareLeave(id);
        await absentIsFine(this.client.tasks.delete({ containerId: id }));
        this.groups?.removeMember(id);
        return;
      } catch (error) {
        if (attempt === REMOVE_ATTEMPTS) throw error;
        await sleep(100 * attempt);
      }
    }
  }
}
