import { nextSweepMs } from './log-sweep';

it.each([
  ['the full interval where no log grows', 0, 1000],
  ['the full interval where a log grows slowly', 1, 1000],
  ['half the time in which a log fills up', 500, 100],
  ['the least interval where a log fills up at once', 1e9, 50],
])('nextSweepMs: %s', (_what, bytesPerMs, expected) => {
  expect(nextSweepMs(bytesPerMs, { maxBytes: 100_000, everyMs: 1000 })).toBe(expected);
});
