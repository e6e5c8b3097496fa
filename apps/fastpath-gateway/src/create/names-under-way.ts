import { setTimeout as sleep } from 'node:timers/promises';

/** The names of creates that have no answer yet. Lost with the process, like the creates themselves. */
export class NamesUnderWay {
  private readonly creates = new Map<string, Promise<unknown>>();

  has(key: string): boolean {
    return this.creates.has(key);
  }

  /** Nobody else gets the name until `create` has ended. */
  async hold<T>(key: string, create: () => Promise<T>): Promise<T> {
    const work = create();
    this.creates.set(key, work);
    try {
      return await work;
    } finally {
      this.creates.delete(key);
    }
  }

  /** Waits for the create of that name, at most until `deadline` (Unix ms): only then is there something to delete. */
  async ended(key: string, deadline: number): Promise<void> {
    const work = this.creates.get(key);
    if (!work) return;
    const given = new AbortController();
    const timeout = sleep(Math.max(0, deadline - Date.now()), undefined, { signal: given.signal });
    await Promise.race([work, timeout]).catch(() => undefined); // how it ended is its own caller's to hear
    given.abort();
    timeout.catch(() => undefined);
  }
}
