/**
 * How long something has looked orphaned to this process, look after look, by its monotonic clock: for what carries no time
 * of its own that can be trusted, and for what somebody else may still be about to mend.
 */
export class Suspects {
  private readonly since = new Map<string, number>();

  constructor(private readonly clock: () => number = () => performance.now()) {}

  /** It looks orphaned now. @returns milliseconds since it first did, without a look in between at which it did not */
  seen(key: string): number {
    const now = this.clock();
    const since = this.since.get(key) ?? now;
    this.since.set(key, since);
    return now - since;
  }

  cleared(key: string): void {
    this.since.delete(key);
  }

  /** All others look well again, or are gone. */
  clearOthers(keys: ReadonlySet<string>): void {
    for (const key of this.since.keys()) if (!keys.has(key)) this.since.delete(key);
  }
}
