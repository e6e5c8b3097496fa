/** Time without a call that makes a lull. */
const LULL_MS = 20;

/** Lets background work wait for a lull between calls that must be fast. */
export class Traffic {
  private calls = 0;
  private lullAt: number | undefined = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly waiting = new Set<() => void>();

  /** Runs a call, during which there is no lull. */
  async during<T>(call: () => Promise<T>): Promise<T> {
    this.begin();
    try {
      return await call();
    } finally {
      this.end();
    }
  }

  /** Resolves in the next lull, at once if there is one. @param atMostMs limit of the wait, in milliseconds */
  lull(atMostMs: number): Promise<void> {
    if (this.isQuiet || atMostMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(limit);
        this.waiting.delete(go);
        resolve();
      };
      const limit = setTimeout(go, atMostMs).unref();
      this.waiting.add(go);
    });
  }

  private get isQuiet(): boolean {
    return this.lullAt !== undefined && performance.now() >= this.lullAt;
  }

  private begin(): void {
    this.calls++;
    this.lullAt = undefined;
    clearTimeout(this.timer);
  }

  private end(): void {
    if (--this.calls > 0) return;
    this.lullAt = performance.now() + LULL_MS;
    this.timer = setTimeout(() => {
      for (const go of [...this.waiting]) go();
    }, LULL_MS).unref();
  }
}
