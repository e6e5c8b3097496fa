import { GracePeriod } from './grace-period';

describe('GracePeriod', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  /** @param changes seconds that deletes ask for; `own`: the sandbox's own 10 s begin @returns length in seconds */
  function lengthOf(changes: readonly (number | 'own')[]): number {
    const grace = new GracePeriod();
    const start = Date.now();
    for (const change of changes) {
      if (change === 'own') grace.begin(10);
      else grace.request(change);
    }
    while (!grace.signal.aborted) jest.advanceTimersByTime(500);
    return (Date.now() - start) / 1000;
  }

  it.each<[string, (number | 'own')[], number]>([
    ["is the sandbox's own", ['own'], 10],
    ['is what the delete asks for', [2, 'own'], 2],
    ['is what a later delete asks for, where the first asked for none', ['own', 30], 30],
    ['is shortened by a later delete', ['own', 5, 1], 1],
    ['is not prolonged by a later delete', ['own', 5, 60], 5],
    ['is over at once where a delete asks for 0', ['own', 0], 0],
  ])('%s', (_what, changes, seconds) => {
    expect(lengthOf(changes)).toBe(seconds);
  });
});
