import { CreateRate } from './create-rate';

it('CreateRate: returns the time until the next create, and admits none at rate 0', () => {
  const rate = new CreateRate();
  expect([0, 0, 1_000, 2_000].map((now) => rate.take('n', 0.5, now))).toEqual([0, 2_000, 1_000, 0]);
  expect(rate.take('n', 0, 0)).toBe(1_000);
});

it('CreateRate: counts each namespace by itself', () => {
  const rate = new CreateRate();
  rate.take('n', 1, 0);
  expect(rate.take('n', 1, 0)).toBe(1_000);
  expect(rate.take('m', 1, 0)).toBe(0);
});

it('CreateRate: applies a changed rate at once', () => {
  const rate = new CreateRate();
  rate.take('n', 0.5, 0);
  expect(rate.take('n', 0.5, 0)).toBe(2_000);
  expect(rate.take('n', 100, 0)).toBe(10);
});

/** One create in each of `count` new namespaces, all at `now`. */
function crowd(rate: CreateRate, count: number, now: number): void {
  for (let n = 0; n < count; n++) rate.take(`crowd-${now}-${n}`, 1, now);
}

it('CreateRate: keeps the bucket of a namespace until it is full again, however many namespaces come', () => {
  const rate = new CreateRate();
  const slow = (now: number): number => rate.take('slow', 0.05, now);
  expect(slow(0)).toBe(0);
  crowd(rate, 2_000, 0);
  for (const now of [11_000, 19_000]) {
    crowd(rate, 2_000, now);
    expect(slow(now)).toBe(20_000 - now);
  }
  expect([slow(20_000), slow(20_000)]).toEqual([0, 20_000]);
});

it('CreateRate: keeps the buckets of a few seconds only when namespaces come and go', () => {
  const rate = new CreateRate();
  for (let second = 0; second < 200; second++) crowd(rate, 100, second * 1_000);
  expect(rate.size).toBeLessThan(1_000);
});

it('CreateRate: examines at most two buckets in one create', () => {
  const rate = new CreateRate();
  crowd(rate, 10_000, 0);
  const forgotten = Array.from({ length: 20_000 }, (_, n) => {
    const before = rate.size;
    rate.take(`late-${n}`, 1, 60_000);
    return before + 1 - rate.size;
  });
  expect(Math.max(...forgotten)).toBe(2);
  expect(forgotten.reduce((sum, one) => sum + one)).toBe(10_000);
});
