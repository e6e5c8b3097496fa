import { backOffMs, type Pauses } from '@fsb/kit/back-off';

export interface BackOffOptions extends Pauses {
  /** life after which a process counts as started, milliseconds */
  readonly healthyMs: number;
}

/** Delay before a restart: doubles with each early end, and is reset by a life of `healthyMs`. */
export class BackOff {
  private failures = 0;

  constructor(private readonly options: BackOffOptions) {}

  nextDelayMs(livedMs: number): number {
    if (livedMs >= this.options.healthyMs) this.failures = 0;
    return backOffMs(this.failures++, this.options);
  }
}
