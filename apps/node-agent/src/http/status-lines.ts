import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentEvent } from '@fsb/agent-api/agent-api';

const HEARTBEAT_MS = 2000;
/** What changes within it is told at once: a create is over before anybody wakes up to hear that it has begun. */
const TOGETHER_MS = 10;

/**
 * The stream of `status?watch=true`: the snapshot, every change, and a sign of life in silence. Lines of JSON.
 * @throws what `changes` throws: a stream that has broken off must not look as if it had ended
 */
export async function* statusLines(snapshot: AgentEvent, changes: AsyncIterable<[AgentEvent]>): AsyncGenerator<string> {
  yield line(snapshot);
  const heard = new Heard(changes);
  for (;;) {
    if (!(await heard.within(HEARTBEAT_MS))) yield line({ type: 'heartbeat' });
    else await sleep(TOGETHER_MS);
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
  return `${JSON.stringify(event)}\n`;
}
