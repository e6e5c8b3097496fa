import { missesAfter, type ProbeResult } from './liveness-plan';

const MISS: ProbeResult = { refusal: 'AbortError', tookMs: 10_000, upMs: 3_600_000 };

describe('missesAfter', () => {
  it.each<[string, number, Partial<ProbeResult>, number]>([
    ['counts a probe without an answer', 0, {}, 1],
    ['counts the third of them', 2, {}, 3],
    ['counts a refused connection, which takes no time', 1, { refusal: 'ECONNREFUSED', tookMs: 1 }, 2],
    ['begins anew with an answer', 2, { refusal: undefined, tookMs: 9_900 }, 0],
    ['waits for a process that is starting', 0, { upMs: 59_000 }, 0],
    ['ignores a probe that the supervisor itself was late for', 2, { tookMs: 16_000 }, 2],
  ])('%s', (_what, misses, result, after) => {
    expect(missesAfter(misses, { ...MISS, ...result })).toBe(after);
  });
});
