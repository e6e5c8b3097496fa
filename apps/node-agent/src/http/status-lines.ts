import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentEvent } from '@fsb/agent-api/agent-api';
import { type Traffic } from '@fsb/component-base/traffic';

const HEARTBEAT_MS = 2000;
/** Debounce: changes within it are sent together, so that a short create wakes its readers once. */
const TOGETHER_MS = 10;
/** The longest that changes wait for a lull of the creates, which need the same CPU. */
const LATEST_MS = 40;

/** Lines by event: every follower of the agent gets the same event, and it is serialised once. */
const serialised = new WeakMap<AgentEvent, string>();

/**
 * The stream of `status?watch=true` as lines of JSON: the snapshot, changes, and a heartbeat every 2 s without changes.
 * @param traffic creates in progress, whose lull the changes wait for
 * @throws the error of `changes`, so that an aborted stream does not look like one that ended
 */
export async function* statusLines(
  snapshot: AgentEvent,
  changes: AsyncIterable<[AgentEvent]>,
  traffic: Traffic,
): AsyncGenerator<string> {
  yield line(snapshot);
  const pending = new PendingChanges(changes);
  for (;;) {
    if (await pending.within(HEARTBEAT_MS)) {
      await sleep(TOGETHER_MS);
      await traffic.lull(LATEST_MS);
    } else yield line({ type: 'heartbeat' });
    const events = pending.take();
    if (events.length > 0) yield events.map(line).join('');
    else if (pending.over) throw pending.over;
  }
}

/** Changes that were not sent yet: the last of each sandbox, and of each other kind. */
class PendingChanges {
  private readonly events = new Map<string, AgentEvent>();
  /** the error that ended the changes */
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

  /** Waits for a change or the end of changes. @returns false after `ms` without either */
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
        this.events.delete(key); // so that the last one keeps its place in the order
        this.events.set(key, event);
        this.wake?.();
      }
    } catch (error) {
      return error as Error; // an AbortError: the reader has left, or the agent stops
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
