import { missesAfter, type ProbeResult } from './liveness-plan';

const MISS: ProbeResult = { refusal: 'AbortError', tookMs: 10_000, upMs: 3_600_000 };

describe('missesAfter', () => {
  it.each<[string, number, Partial<ProbeResult>, number]>([
    ['counts a probe without an answer', 0, {}, 1],
    ['counts the third miss', 2, {}, 3],
    ['counts a refused connection, which takes no time', 1, { refusal: 'ECONNREFUSED', tookMs: 1 }, 2],
    ['resets with an answer', 2, { refusal: undefined, tookMs: 9_900 }, 0],
    ['counts no miss of a process that is starting', 0, { upMs: 59_000 }, 0],
    ['ignores a probe whose timer was late', 2, { tookMs: 16_000 }, 2],
  ])('%s', (_what, misses, result, after) => {
    expect(missesAfter(misses, { ...MISS, ...result })).toBe(after);
  });
});
