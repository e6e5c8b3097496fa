import { UnmetCreates } from './unmet-creates';

let unmet: UnmetCreates;
beforeEach(() => {
  unmet = new UnmetCreates();
});
const count = (now: number): number => unmet.of('n/p', now).count;

it('UnmetCreates: counts each name once in its pool, for thirty seconds after its last refusal', () => {
  for (const now of [0, 1_000, 2_000]) unmet.refused('n/p', 'a', [], now);
  unmet.refused('n/p', 'b', [], 500);
  unmet.refused('n/q', 'c', [], 500);
  expect(count(2_000)).toBe(2);
  expect(unmet.of('n/p', 2_000)).toEqual({ count: 2, ports: new Map(), lastRefusal: 500, until: 32_000 });
  expect(count(32_000)).toBe(0);
  expect(unmet.of('n/q', 10_000).count).toBe(1);
});

it('UnmetCreates: returns the time at which the next create stops counting', () => {
  unmet.refused('n/p', 'a', [], 0);
  unmet.refused('n/p', 'b', [], 500);
  expect(unmet.of('n/p', 600)).toMatchObject({ count: 2, until: 30_000 });
  expect(unmet.of('n/p', 30_000)).toEqual({ count: 1, ports: new Map(), lastRefusal: 500, until: 30_500 });
});

it('UnmetCreates: stops counting a create that succeeded', () => {
  unmet.refused('n/p', 'a', [], 0);
  unmet.refused('n/p', 'b', [], 0);
  expect([unmet.met('n/p', 'a'), unmet.met('n/p', 'a'), unmet.met('n/q', 'b')]).toEqual([true, false, false]);
  expect(count(1)).toBe(1);
});

it('UnmetCreates: counts nameless creates of different periods as repetitions', () => {
  for (const now of [0, 0, 0, 2_100, 2_100, 2_100, 4_200, 4_200]) unmet.refused('n/p', undefined, [], now);
  unmet.refused('n/p', 'a', [], 4_200);
  expect(count(4_300)).toBe(4);
  expect(count(40_000)).toBe(0);
});

it('UnmetCreates: a nameless create that succeeds is dropped from earlier periods, not from the current one', () => {
  for (const now of [0, 0, 2_100]) unmet.refused('n/p', undefined, [], now);
  expect(unmet.metNameless('n/p', 2_200)).toBe(true);
  expect(unmet.metNameless('n/p', 2_200)).toBe(true);
  expect(unmet.metNameless('n/p', 2_200)).toBe(false);
  expect(count(2_300)).toBe(1); // the one of the second period
  expect(unmet.metNameless('n/p', 4_100)).toBe(true);
  expect(count(4_100)).toBe(0);
});

it('UnmetCreates: drops the oldest beyond 2,000', () => {
  for (let i = 0; i < 5_000; i++) unmet.refused('n/p', `s${i}`, [], i);
  expect(count(5_000)).toBe(2_000);
  expect(unmet.met('n/p', 's4999')).toBe(true);
  expect(unmet.met('n/p', 's0')).toBe(false);
});

it('UnmetCreates: counts creates by port, identified ones and the nameless ones of one period', () => {
  unmet.refused('n/p', 'a', [80], 0);
  unmet.refused('n/p', 'a', [80, 81], 10);
  unmet.refused('n/p', 'b', [80], 10);
  for (const now of [0, 10, 2_100]) unmet.refused('n/p', undefined, [80], now);
  expect(unmet.of('n/p', 2_200).ports).toEqual(
    new Map([
      [80, 4],
      [81, 1],
    ]),
  );
});
