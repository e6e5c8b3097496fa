import { age } from './age';

const NOW = 1_700_000_000;
const HOUR = 3_600;
const DAY = 24 * HOUR;

describe('age', () => {
  // values of HumanDuration in k8s.io/apimachinery
  it.each([
    [0, '0s'],
    [-5, '0s'],
    [119, '119s'],
    [120, '2m'],
    [135, '2m15s'],
    [599, '9m59s'],
    [600, '10m'],
    [3 * HOUR - 1, '179m'],
    [3 * HOUR, '3h'],
    [3 * HOUR + 61, '3h1m'],
    [8 * HOUR, '8h'],
    [48 * HOUR - 1, '47h'],
    [2 * DAY + HOUR, '2d1h'],
    [8 * DAY, '8d'],
    [729 * DAY, '729d'],
    [730 * DAY + DAY, '2y1d'],
    [9 * 365 * DAY, '9y'],
  ])('writes %d seconds as %s', (seconds, text) => {
    expect(age(NOW - seconds, NOW * 1_000)).toBe(text);
  });

  it('writes <unknown> without a creation time', () => {
    expect(age(0, NOW * 1_000)).toBe('<unknown>');
  });
});
