import { setTimeout as sleep } from 'node:timers/promises';
import { lines } from '@fsb/component-base/lines';
import { backOffMs } from '@fsb/kit/back-off';
import { type AgentEvent, completed, type PlainStatus } from './agent-api';
import { type AgentClient } from './agent-client';
import { type AgentEndpoint } from './agent-endpoint';

export interface StatusStreamOptions {
  readonly client: Pick<AgentClient, 'watch'>;
  readonly agent: AgentEndpoint;
  readonly onEvent: (event: AgentEvent) => void;
  /** Told when what is known of the agent begins, or ceases, to be current. */
  readonly onSync?: (inSync: boolean) => void;
  /** Agents speak at least every 2 s. */
  readonly silenceMs?: number;
}

const SILENCE_MS = 6_000;
const FIRST_RETRY_MS = 100;
/** A Pod runs before the agent in it listens: it must not wait long to be found ready. */
const LAST_RETRY_MS = 2_000;
/** The original's beat, for agents that answer once instead of streaming. */
const POLL_MS = 2_000;

/**
 * Follows the status of one agent, for as long as it is not stopped: connects again with back-off. An agent that knows no
 * streams is asked every two seconds instead.
 */
export class AgentStatusStream {
  private readonly stopped = new AbortController();
  private running: Promise<void> | undefined;
  private current = false;
  private failures = 0;

  constructor(private readonly options: StatusStreamOptions) {}

  /** A snapshot came and the stream has lived since. */
  get inSync(): boolean {
    return this.current;
  }

  /** It was asked, and did not tell what it has. */
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
      // whatever ended it, the answer is to connect again
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

  /** @returns whether it answered once and for all, as agents do that know no streams */
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
        const said = JSON.parse(line) as AgentEvent | PlainStatus; // the agent is ours, or the original's
        isPolled = !('type' in said);
        this.take('type' in said ? said : { type: 'snapshot', status: completed(said) });
      }
      return isPolled;
    } finally {
      clearTimeout(timer);
      this.stopped.signal.removeEventListener('abort', abort);
      abort(); // an answer that was not read to its end keeps no connection
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
