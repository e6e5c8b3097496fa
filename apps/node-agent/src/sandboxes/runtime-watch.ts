import { setTimeout as sleep } from 'node:timers/promises';
import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { type ContainerIds } from '@fsb/containerd/container-ids';
import { type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type RuntimeEvent } from '@fsb/containerd/runtime-events';
import { type Readiness } from '@fsb/component-base/readiness';
import { type StandbyContainers } from '../standby/standby-containers';
import { type ImageList } from '../images/image-list';
import { type Exit, type SandboxExits } from './sandbox-exits';
import { type SandboxLifecycle } from './sandbox-lifecycle';

const RETRY_MS = 500;

export interface RuntimeWatchParts {
  readonly runtime: SandboxRuntime;
  readonly lifecycle: SandboxLifecycle;
  readonly exits: SandboxExits;
  readonly images: ImageList;
  readonly warm: StandbyContainers;
  readonly ids: ContainerIds;
}

/**
 * Follows exits, OOM kills and images by containerd's events; lists what it may have missed after every (re)connection.
 */
export class RuntimeWatch implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(RuntimeWatch.name);
  private readonly stopping = new AbortController();
  private connected: true | string = 'containerd has not answered yet';

  constructor(
    private readonly parts: RuntimeWatchParts,
    readiness: Readiness,
  ) {
    readiness.add('containerd', () => this.connected);
  }

  onApplicationBootstrap(): void {
    void this.run();
  }

  onModuleDestroy(): void {
    this.parts.warm.stop();
    this.stopping.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const attempt = new AbortController(); // a list that fails must not leave its subscription behind
      try {
        await this.listen(AbortSignal.any([signal, attempt.signal]));
        this.connected = 'containerd ended its events';
      } catch (error) {
        this.connected = `containerd does not answer: ${messageOf(error)}`;
        this.logger.warn({ msg: 'containerd events ended, connecting again', error: messageOf(error) });
      } finally {
        this.parts.images.disconnected();
        attempt.abort();
      }
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async listen(signal: AbortSignal): Promise<void> {
    const events = this.parts.runtime.events(signal);
    const before: RuntimeEvent[] = [];
    // an exit before the subscription is in the list, a later one is an event: none is missed
    for await (const event of events) {
      if (event.kind === 'subscribed') await this.catchUp(before);
      else if (this.connected === true) this.dispatch(event);
      else before.push(event);
    }
  }

  private async catchUp(events: readonly RuntimeEvent[]): Promise<void> {
    await Promise.all([this.parts.lifecycle.restore(), this.parts.images.refresh()]);
    this.connected = true;
    for (const event of events) this.dispatch(event);
  }

  private dispatch(event: RuntimeEvent): void {
    switch (event.kind) {
      case 'subscribed':
        break;
      case 'images':
        void this.parts.images.refresh();
        this.parts.warm.refill();
        break;
      case 'oom':
        this.parts.exits.noteOutOfMemory(this.parts.ids.sandboxOf(event.containerId));
        break;
      case 'exit':
        if (this.parts.warm.handleExit(event.containerId)) break;
        this.exited(this.parts.ids.sandboxOf(event.containerId), {
          exitCode: event.exitStatus,
          exitedAt: event.exitedAt,
        });
    }
  }

  private exited(id: string, exit: Exit): void {
    this.parts.exits.exited(id, exit).catch((error: unknown) => {
      this.logger.error({ msg: 'an exit was not recorded', sandbox: id, error: messageOf(error) });
    });
  }
}
