import { TokenBucket } from './token-bucket';

function takeMany(bucket: TokenBucket, count: number, now: number): number[] {
  return Array.from({ length: count }, () => bucket.take(now));
}

it('TokenBucket: allows a burst of one second, then the rate, and returns the wait for a token', () => {
  const bucket = new TokenBucket(10, 0);
  expect(takeMany(bucket, 12, 0)).toEqual([...Array<number>(10).fill(0), 100, 100]);
  expect(bucket.take(50)).toBe(50);
  expect(takeMany(bucket, 2, 100)).toEqual([0, 100]);
  expect(takeMany(bucket, 11, 60_000).filter((waitMs) => waitMs === 0)).toHaveLength(10);
});

it('TokenBucket: holds one token at a rate below one per second', () => {
  const bucket = new TokenBucket(0.5, 0);
  expect(takeMany(bucket, 2, 0)).toEqual([0, 2_000]);
  expect(takeMany(bucket, 2, 60_000)).toEqual([0, 2_000]);
});

it('TokenBucket: is full at first, and again once all tokens are refilled', () => {
  const bucket = new TokenBucket(0.05, 0);
  expect(bucket.isFull(0)).toBe(true);
  bucket.take(0);
  expect([0, 19_999, 20_000].map((now) => bucket.isFull(now))).toEqual([false, false, true]);
});

it('TokenBucket: keeps its tokens when the rate changes, within the new burst', () => {
  const bucket = new TokenBucket(2, 0);
  bucket.perSecond = 100;
  expect(takeMany(bucket, 3, 0)).toEqual([0, 0, 10]);
  expect(bucket.take(1_000)).toBe(0);
  bucket.perSecond = 1;
  expect(takeMany(bucket, 2, 1_000)).toEqual([0, 1_000]);
});

it('TokenBucket: uses performance.now() by default', () => {
  const bucket = new TokenBucket(1);
  expect(bucket.take()).toBe(0);
  expect(bucket.take()).toBeGreaterThan(0);
});
