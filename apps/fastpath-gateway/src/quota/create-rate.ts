import { TokenBucket } from '@fsb/component-base/token-bucket';

/** Looked at for each bucket that comes: more than one, so that the full ones become fewer. */
const LOOKED_AT = 2;

/** A token bucket for each namespace. Lost with the process: that allows one burst more. */
export class CreateRate {
  private readonly buckets = new Map<string, TokenBucket>();
  /** goes round the buckets, a few at a time: a look at all of them would hold up the create that is next */
  private hand = this.buckets.entries();

  get size(): number {
    return this.buckets.size;
  }

  /**
   * @param now milliseconds of a clock that never goes back
   * @returns 0 where the create may go on, and has been counted; else in how many milliseconds one may
   */
  take(namespace: string, perSecond: number, now: number): number {
    if (perSecond <= 0) return 1_000;
    const bucket = this.buckets.get(namespace) ?? this.add(namespace, new TokenBucket(perSecond, now), now);
    bucket.perSecond = perSecond;
    return bucket.take(now);
  }

  private add(namespace: string, bucket: TokenBucket, now: number): TokenBucket {
    for (let looks = 0; looks < LOOKED_AT; looks++) this.forgetNext(now);
    this.buckets.set(namespace, bucket);
    return bucket;
  }

  /** Only what is full again: forgotten before, a bucket would be filled by its being forgotten. */
  private forgetNext(now: number): void {
    const { value, done } = this.hand.next();
    if (done) this.hand = this.buckets.entries();
    else if (value[1].isFull(now)) this.buckets.delete(value[0]);
  }
}
