/** Without a call for so long, what waited for a lull goes on. */
const LULL_MS = 20;

/** Calls that must be quick, and the work that keeps out of their way. */
export class Traffic {
  private calls = 0;
  private lullAt: number | undefined = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly waiting = new Set<() => void>();

  async during<T>(call: () => Promise<T>): Promise<T> {
    this.begin();
    try {
      return await call();
    } finally {
      this.end();
    }
  }

  /** Resolves in the next lull, after `atMostMs` at the latest; at once where there is one. */
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
