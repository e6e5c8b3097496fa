import { setTimeout as sleep } from 'node:timers/promises';
import { lines } from '@fsb/component-base/lines';
import { backOffMs } from '@fsb/kit/back-off';
import { type AgentEvent, withoutNulls, type PlainStatus } from './agent-api';
import { type AgentClient } from './agent-client';
import { type AgentEndpoint } from './agent-endpoint';

export interface StatusStreamOptions {
  readonly client: Pick<AgentClient, 'watch'>;
  readonly agent: AgentEndpoint;
  readonly onEvent: (event: AgentEvent) => void;
  /** called when the agent becomes in sync, and when it ceases to be */
  readonly onSync?: (inSync: boolean) => void;
  /** silence after which the stream is taken for dead; default 6,000, while agents send an event at least every 2 s */
  readonly silenceMs?: number;
}

const SILENCE_MS = 6_000;
const FIRST_RETRY_MS = 100;
/** Upper bound of the back-off. A Pod runs before its agent listens, and must soon be seen as ready. */
const LAST_RETRY_MS = 2_000;
/** Poll interval for agents without streams; the Go predecessor's. */
const POLL_MS = 2_000;

/**
 * Follows the status of one agent until stopped, and reconnects with back-off and jitter. An agent without streams is
 * polled every two seconds.
 * @example new AgentStatusStream({ client, agent, onEvent, onSync }).start()
 */
export class AgentStatusStream {
  private readonly stopped = new AbortController();
  private running: Promise<void> | undefined;
  private current = false;
  private failures = 0;

  constructor(private readonly options: StatusStreamOptions) {}

  /** Whether a snapshot has arrived and the stream has been alive since. */
  get inSync(): boolean {
    return this.current;
  }

  /** Whether a connection has ended since the last snapshot, or without any. */
  get hasFailed(): boolean {
    return this.failures > 0;
  }

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      // whatever the cause, reconnect
      const isPolled = await this.follow().catch(() => false);
      if (!isPolled) this.setSync(false);
      const pause = isPolled ? POLL_MS : this.backOff();
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
    this.setSync(false);
  }

  private backOff(): number {
    const pause = backOffMs(this.failures++, { firstMs: FIRST_RETRY_MS, lastMs: LAST_RETRY_MS });
    return pause * (0.5 + Math.random() / 2);
  }

  /** @returns whether the agent answered with one status instead of a stream, and must be polled */
  private async follow(): Promise<boolean> {
    let isPolled = false;
    const over = new AbortController();
    const abort = (): void => {
      over.abort();
    };
    const timer = setTimeout(abort, this.options.silenceMs ?? SILENCE_MS);
    this.stopped.signal.addEventListener('abort', abort, { once: true });
    try {
      const response = await this.options.client.watch(this.options.agent, over.signal);
      if (response.statusCode !== 200) return false;
      for await (const line of lines(response)) {
        timer.refresh();
        if (line === '') continue;
        const message = JSON.parse(line) as AgentEvent | PlainStatus; // the agent is ours, or the Go predecessor's
        isPolled = !('type' in message);
        this.take('type' in message ? message : { type: 'snapshot', status: withoutNulls(message) });
      }
      return isPolled;
    } finally {
      clearTimeout(timer);
      this.stopped.signal.removeEventListener('abort', abort);
      abort(); // releases the connection of an answer that was not read to its end
    }
  }

  private take(event: AgentEvent): void {
    this.options.onEvent(event);
    if (event.type !== 'snapshot') return;
    this.failures = 0;
    this.setSync(true);
  }

  private setSync(inSync: boolean): void {
    if (this.current === inSync) return;
    this.current = inSync;
    this.options.onSync?.(inSync);
  }
}
