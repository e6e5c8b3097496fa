import { TokenBucket } from '@fsb/component-base/token-bucket';

/** Buckets examined for each one added: more than one, so that full buckets decrease in number. */
const EXAMINED_PER_ADD = 2;

/** A token bucket for each namespace, in memory: a restart of the process allows one more burst. */
export class CreateRate {
  private readonly buckets = new Map<string, TokenBucket>();
  /** clock hand over the buckets; examining all of them at once would delay the next create */
  private hand = this.buckets.entries();

  get size(): number {
    return this.buckets.size;
  }

  /**
   * Takes a token of `namespace`.
   * @param perSecond 0 or less: no create is admitted
   * @param now milliseconds of a monotonic clock
   * @returns 0 when the create is admitted and counted; else milliseconds until one may be
   */
  take(namespace: string, perSecond: number, now: number): number {
    if (perSecond <= 0) return 1_000;
    const bucket = this.buckets.get(namespace) ?? this.add(namespace, new TokenBucket(perSecond, now), now);
    bucket.perSecond = perSecond;
    return bucket.take(now);
  }

  private add(namespace: string, bucket: TokenBucket, now: number): TokenBucket {
    for (let looks = 0; looks < EXAMINED_PER_ADD; looks++) this.forgetNext(now);
    this.buckets.set(namespace, bucket);
    return bucket;
  }

  /** Drops the next bucket if it is full. A bucket dropped earlier would come back full, which gives tokens away. */
  private forgetNext(now: number): void {
    const { value, done } = this.hand.next();
    if (done) this.hand = this.buckets.entries();
    else if (value[1].isFull(now)) this.buckets.delete(value[0]);
  }
}
