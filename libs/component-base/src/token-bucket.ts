/** Capacity in seconds of the rate: a burst of that size is no overload. */
const BURST_SECONDS = 1;

/** A token bucket that refills at `perSecond`, holds one second's worth but at least one token, and begins full. */
export class TokenBucket {
  private tokens: number;

  /**
   * @param perSecond above 0; a new value applies from the last take on
   * @param filledAt milliseconds of a monotonic clock, which `now` must use too
   */
  constructor(
    public perSecond: number,
    private filledAt = performance.now(),
  ) {
    this.tokens = this.full;
  }

  /** Takes a token if there is one. @returns 0 if taken, else the milliseconds until there is one */
  take(now = performance.now()): number {
    this.tokens = this.tokensAt(now);
    this.filledAt = now;
    if (this.tokens < 1) return Math.ceil(((1 - this.tokens) / this.perSecond) * 1000);
    this.tokens -= 1;
    return 0;
  }

  /** Whether the bucket is full: it then has the same state as a new one, and need not be kept. */
  isFull(now: number): boolean {
    return this.tokensAt(now) >= this.full;
  }

  private tokensAt(now: number): number {
    return Math.min(this.full, this.tokens + ((now - this.filledAt) / 1000) * this.perSecond);
  }

  private get full(): number {
    return Math.max(1, this.perSecond * BURST_SECONDS);
  }
}
