import { type NamedDelete } from '@fsb/agent-api/agent-api';

interface Remembered {
  readonly number: number;
  /** milliseconds on the clock that `now` reads */
  readonly at: number;
}

/** Longer than a create's deadline (ten minutes at most): a create that began before a delete arrives within it. */
const REMEMBER_MS = 660_000;
/** Names remembered. Beyond this the oldest are dropped: a flood of deletes harms its own namespace, not memory. */
const MAX_NAMES = 4_096;

/**
 * Deletes by name, sent where no sandbox of the name was known. A create in transit at that moment arrives later, and
 * only its gateway can tell whether it began before the delete: the agent refuses it once, with the age of the delete.
 * In memory only: a create in transit to an agent that dies fails with it.
 */
export class NamedDeletes {
  private readonly deletes = new Map<string, Remembered>();
  private count = 0;

  /** @param now milliseconds of a clock that never goes back */
  constructor(private readonly now: () => number = () => performance.now()) {}

  add(namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    const now = this.now();
    for (const [oldest, { at }] of this.deletes) {
      if (at + REMEMBER_MS > now && this.deletes.size < MAX_NAMES) break;
      this.deletes.delete(oldest);
    }
    this.deletes.delete(key);
    this.deletes.set(key, { number: ++this.count, at: now });
  }

  /** The last delete of the name; undefined: none is remembered. */
  last(namespace: string, name: string): NamedDelete | undefined {
    const found = this.deletes.get(`${namespace}/${name}`);
    const ageMs = found && this.now() - found.at;
    return found && ageMs !== undefined && ageMs < REMEMBER_MS ? { number: found.number, ageMs } : undefined;
  }

  /**
   * The delete that may have overtaken a create.
   * @param after number of the last delete that precedes the create; undefined: deletes by name are not checked
   */
  overtaking(namespace: string, name: string, after: number | undefined): NamedDelete | undefined {
    const last = after === undefined ? undefined : this.last(namespace, name);
    return last && after !== undefined && last.number > after ? last : undefined;
  }
}
