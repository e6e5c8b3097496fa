import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@fsb/api/errors';
import { type Readiness } from '@fsb/component-base/readiness';
import { type ContainerdClient } from '@fsb/containerd/containerd-client';
import { type Runnable } from '@fsb/controller-runtime/controller-host';

const EVERY_MS = 2_000;

/** Readiness probe of containerd, every 2 s. Calls `onReturn` at the first answer, and at the first after a failure. */
export class ContainerdProbe implements Runnable {
  private readonly stopping = new AbortController();
  private refusal: string | undefined = 'not asked yet';
  private running: Promise<void> | undefined;

  constructor(
    private readonly client: ContainerdClient,
    readiness: Readiness,
    private readonly onReturn: () => void,
  ) {
    readiness.add('containerd', () => this.refusal ?? true);
  }

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.client.close();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.ask(signal);
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async ask(signal: AbortSignal): Promise<void> {
    const before = this.refusal;
    try {
      await this.client.version(signal);
      this.refusal = undefined;
      if (before !== undefined) this.onReturn();
    } catch (error) {
      this.refusal = messageOf(error);
    }
  }
}
