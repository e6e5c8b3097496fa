import { backOffMs, type Pauses } from '@fsb/kit/back-off';

export interface BackOffOptions extends Pauses {
  /** a process that lived so long did not fail at its start */
  readonly healthyMs: number;
}

/** How long to wait before a process is started again: doubles with each early end, and begins anew after a long life. */
export class BackOff {
  private failures = 0;

  constructor(private readonly options: BackOffOptions) {}

  next(livedMs: number): number {
    if (livedMs >= this.options.healthyMs) this.failures = 0;
    return backOffMs(this.failures++, this.options);
  }
}
