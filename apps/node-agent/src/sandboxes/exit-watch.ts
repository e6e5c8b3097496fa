import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type RuntimeEvent } from '@fsb/containerd/task-events';
import { Readiness } from '@fsb/component-base/readiness';
import { SandboxLifecycle } from './sandbox-lifecycle';

const RETRY_MS = 500;

/** Hears of exits from containerd's events; after every (re)connection it asks for what it may have missed. */
@Injectable()
export class ExitWatch implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(ExitWatch.name);
  private readonly stopping = new AbortController();
  private connected: true | string = 'containerd has not answered yet';

  constructor(
    private readonly runtime: SandboxRuntime,
    private readonly lifecycle: SandboxLifecycle,
    readiness: Readiness,
  ) {
    readiness.add('containerd', () => this.connected);
  }

  onApplicationBootstrap(): void {
    void this.run();
  }

  onModuleDestroy(): void {
    this.stopping.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.listen(signal);
      } catch (error) {
        this.connected = `containerd does not answer: ${messageOf(error)}`;
        this.logger.warn({ msg: 'containerd events', error: messageOf(error) });
      }
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async listen(signal: AbortSignal): Promise<void> {
    const events = this.runtime.events(signal);
    const first = events.next(); // subscribed before the list: nothing falls between
    first.catch(() => undefined); // awaited below, after a list that may fail first
    await this.lifecycle.restore();
    this.connected = true;
    for (let event = await first; event.done !== true; event = await events.next()) this.dispatch(event.value);
  }

  private dispatch(event: RuntimeEvent): void {
    if (event.kind === 'oom') {
      this.lifecycle.noteOutOfMemory(event.containerId);
      return;
    }
    this.lifecycle.exited(event.containerId, event.exitStatus, event.exitedAt).catch((error: unknown) => {
      this.logger.error({ msg: 'an exit was not recorded', sandbox: event.containerId, error: messageOf(error) });
    });
  }
}
