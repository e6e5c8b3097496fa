export interface BackOffOptions {
  readonly firstMs: number;
  readonly lastMs: number;
  /** a process that lived so long did not fail at its start */
  readonly healthyMs: number;
}

/** How long to wait before a process is started again: doubles with each early end, and begins anew after a long life. */
export class BackOff {
  private failures = 0;

  constructor(private readonly options: BackOffOptions) {}

  next(livedMs: number): number {
    const { firstMs, lastMs, healthyMs } = this.options;
    if (livedMs >= healthyMs) this.failures = 0;
    return Math.min(firstMs * 2 ** this.failures++, lastMs);
  }
}
