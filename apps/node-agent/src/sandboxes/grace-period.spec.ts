import { GracePeriod } from './grace-period';

describe('GracePeriod', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  /** @param changes seconds that a delete asks for; `own`: the sandbox's 10 s begin. @returns seconds */
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
    ['is what the delete asks for, where it comes behind another one', ['own', 30], 30],
    ['is shortened by a later delete', ['own', 5, 1], 1],
    ['is not prolonged by a later delete', ['own', 5, 60], 5],
    ['is over at once', ['own', 0], 0],
  ])('%s', (_what, changes, seconds) => {
    expect(lengthOf(changes)).toBe(seconds);
  });
});
