import { CreateRate } from './create-rate';

it('allows a burst of a second, then the rate, and says when the next may come', () => {
  const rate = new CreateRate();
  const taken = (now: number): number => rate.take('n', 10, now);
  expect(Array.from({ length: 10 }, () => taken(0))).toEqual(Array(10).fill(0));
  expect(taken(0)).toBe(100);
  expect(taken(50)).toBe(50);
  expect(taken(100)).toBe(0);
  expect(taken(100)).toBe(100);
  expect(Array.from({ length: 11 }, () => taken(60_000)).filter((wait) => wait === 0)).toHaveLength(10);
});

it('takes less than one a second, and none at all', () => {
  const rate = new CreateRate();
  expect([rate.take('n', 0.5, 0), rate.take('n', 0.5, 0), rate.take('n', 0.5, 2_000)]).toEqual([0, 2_000, 0]);
  expect(rate.take('n', 0, 0)).toBe(1_000);
});

it('one namespace knows nothing of another', () => {
  const rate = new CreateRate();
  rate.take('n', 1, 0);
  expect(rate.take('n', 1, 0)).toBe(1_000);
  expect(rate.take('m', 1, 0)).toBe(0);
});
