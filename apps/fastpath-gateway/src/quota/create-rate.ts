/** Creates saved up while there are none, in seconds of the rate: a burst of one second's worth is no overload. */
const BURST_SECONDS = 1;
/** Buckets are swept when there are more: a full one says no more than an absent one. */
const MAX_IDLE_BUCKETS = 1_000;

interface Bucket {
  tokens: number;
  /** milliseconds */
  at: number;
}

/** A token bucket for each namespace. Lost with the process: that allows one burst more. */
export class CreateRate {
  private readonly buckets = new Map<string, Bucket>();

  /**
   * @param now milliseconds of a clock that never goes back
   * @returns 0 where the create may go on, and has been counted; else in how many milliseconds one may
   */
  take(namespace: string, perSecond: number, now: number): number {
    if (perSecond <= 0) return 1_000;
    const full = Math.max(1, perSecond * BURST_SECONDS);
    const bucket = this.buckets.get(namespace) ?? { tokens: full, at: now };
    bucket.tokens = Math.min(full, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    if (!this.buckets.has(namespace)) this.add(namespace, bucket, now);
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / perSecond) * 1000);
    bucket.tokens -= 1;
    return 0;
  }

  private add(namespace: string, bucket: Bucket, now: number): void {
    if (this.buckets.size >= MAX_IDLE_BUCKETS) {
      for (const [known, { at }] of this.buckets) if (now - at > 10_000) this.buckets.delete(known);
    }
    this.buckets.set(namespace, bucket);
  }
}
