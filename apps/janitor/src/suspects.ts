/**
 * Measures how long this process has seen something orphaned without interruption, by its monotonic clock. For orphans
 * without a trustworthy timestamp, and for those that another process may still clean up.
 * @example if (suspects.seen(id) >= orphanTimeout) await remove(id); // on each sighting
 */
export class Suspects {
  private readonly since = new Map<string, number>();

  constructor(private readonly clock: () => number = () => performance.now()) {}

  /** Notes that `key` looks orphaned now. @returns milliseconds since the first of the uninterrupted sightings */
  seen(key: string): number {
    const now = this.clock();
    const since = this.since.get(key) ?? now;
    this.since.set(key, since);
    return now - since;
  }

  /** Notes that `key` has an owner: the next sighting counts from 0. */
  cleared(key: string): void {
    this.since.delete(key);
  }

  /** Clears every key except `keys`: the others have an owner again, or are gone. */
  clearOthers(keys: ReadonlySet<string>): void {
    for (const key of this.since.keys()) if (!keys.has(key)) this.since.delete(key);
  }
}
