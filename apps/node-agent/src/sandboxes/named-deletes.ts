import { type NamedDelete } from '@fsb/agent-api/agent-api';

interface Remembered {
  readonly number: number;
  /** on the clock that `now` reads */
  readonly at: number;
}

/** A create has a deadline of at most ten minutes: what was asked for before a delete does not arrive later than that. */
const REMEMBER_MS = 660_000;
/** Beyond it the oldest are forgotten: a flood of deletes harms the namespace that sends them, and no memory. */
const MAX_NAMES = 4_096;

/**
 * Deletes by name of sandboxes that nobody knew of. A create that was on its way at that moment arrives later, and only
 * its gateway can tell on which side of the delete it began: the agent refuses it once and says how long ago the delete
 * was. In memory only: a create that was on its way to an agent that has died since has failed with it.
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

  /** The last of that name; undefined: none, or none that is remembered. */
  last(namespace: string, name: string): NamedDelete | undefined {
    const found = this.deletes.get(`${namespace}/${name}`);
    const ageMs = found && this.now() - found.at;
    return found && ageMs !== undefined && ageMs < REMEMBER_MS ? { number: found.number, ageMs } : undefined;
  }

  /**
   * The delete that a create may have been overtaken by.
   * @param after number of the delete that it is known to come after; undefined: deletes by name do not concern it
   */
  overtaking(namespace: string, name: string, after: number | undefined): NamedDelete | undefined {
    const last = after === undefined ? undefined : this.last(namespace, name);
    return last && after !== undefined && last.number > after ? last : undefined;
  }
}
