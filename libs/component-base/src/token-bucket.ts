/** A burst of one second's worth is no overload. */
const BURST_SECONDS = 1;

/** So many a second; what is not taken is saved up, to a burst of at least one. Begins full. */
export class TokenBucket {
  private tokens: number;

  /**
   * @param perSecond above 0; may be set anew, which counts from what was last taken on
   * @param filledAt milliseconds of a clock that never goes back, as each `now`
   */
  constructor(
    public perSecond: number,
    private filledAt = performance.now(),
  ) {
    this.tokens = this.full;
  }

  /** @returns 0 where there was one, which is taken; else in how many milliseconds there is one */
  take(now = performance.now()): number {
    this.tokens = this.tokensAt(now);
    this.filledAt = now;
    if (this.tokens < 1) return Math.ceil(((1 - this.tokens) / this.perSecond) * 1000);
    this.tokens -= 1;
    return 0;
  }

  /** Then it says no more than a new one. */
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
