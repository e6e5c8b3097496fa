import { nextSweepMs } from './log-sweep';

it.each([
  ['nothing grows', 0, 1000],
  ['one grows slowly', 1, 1000],
  ['one would be full in 200 ms', 500, 100],
  ['one would be full at once', 1e9, 50],
])('%s', (_what, bytesPerMs, expected) => {
  expect(nextSweepMs(bytesPerMs, { maxBytes: 100_000, everyMs: 1000 })).toBe(expected);
});
