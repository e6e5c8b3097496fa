import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentEvent } from '@fsb/agent-api/agent-api';
import { type Traffic } from '@fsb/component-base/traffic';

const HEARTBEAT_MS = 2000;
/** Changes within this time share a write: a create is over before its followers learn that it has begun. */
const TOGETHER_MS = 10;
/** The longest that changes wait for a lull of the creates, which need the same CPU. */
const LATEST_MS = 40;

/** Lines by event: every follower of the agent gets the same event, and it is serialised once. */
const serialised = new WeakMap<AgentEvent, string>();

/**
 * The stream of `status?watch=true`: the snapshot, then every change, and a heartbeat every {@link HEARTBEAT_MS} of silence.
 * Lines of JSON.
 * @param traffic the creates that changes keep out of the way of
 * @throws what `changes` throws: a stream that has broken off must not look as if it had ended
 */
export async function* statusLines(
  snapshot: AgentEvent,
  changes: AsyncIterable<[AgentEvent]>,
  traffic: Traffic,
): AsyncGenerator<string> {
  yield line(snapshot);
  const heard = new Heard(changes);
  for (;;) {
    if (await heard.within(HEARTBEAT_MS)) {
      await sleep(TOGETHER_MS);
      await traffic.lull(LATEST_MS);
    } else yield line({ type: 'heartbeat' });
    const events = heard.take();
    if (events.length > 0) yield events.map(line).join('');
    else if (heard.over) throw heard.over;
  }
}

/** The changes that came and were not told yet: of those of one sandbox, and of each other kind, the last. */
class Heard {
  private readonly events = new Map<string, AgentEvent>();
  /** why there will be no more */
  over: Error | undefined;
  private wake: (() => void) | undefined;

  constructor(changes: AsyncIterable<[AgentEvent]>) {
    void this.listen(changes);
  }

  take(): AgentEvent[] {
    const events = [...this.events.values()];
    this.events.clear();
    return events;
  }

  /** Resolves when there is one, or there will be none: true; else false after `ms`. */
  within(ms: number): Promise<boolean> {
    if (this.events.size > 0 || this.over) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms, false);
      this.wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  private async listen(changes: AsyncIterable<[AgentEvent]>): Promise<void> {
    this.over = await this.read(changes);
    this.wake?.();
  }

  private async read(changes: AsyncIterable<[AgentEvent]>): Promise<Error> {
    try {
      for await (const [event] of changes) {
        const key = keyOf(event);
        this.events.delete(key); // the last of one is as late as it came
        this.events.set(key, event);
        this.wake?.();
      }
    } catch (error) {
      return error as Error; // the reader has left, or the agent stops: an AbortError
    }
    return new Error('no more changes');
  }
}

function keyOf(event: AgentEvent): string {
  if (event.type === 'sandbox') return `sandbox ${event.sandbox.sandboxId}`;
  if (event.type === 'removed') return `sandbox ${event.sandboxId}`;
  return event.type;
}

function line(event: AgentEvent): string {
  const known = serialised.get(event);
  if (known !== undefined) return known;
  const made = `${JSON.stringify(event)}\n`;
  serialised.set(event, made);
  return made;
}
