import { isLater, unixMillis, unixNanos } from './instant';

describe('instant', () => {
  it.each([
    ['1970-01-01T00:00:00Z', 0n],
    ['1970-01-01T00:00:01.5Z', 1_500_000_000n],
    ['1970-01-01T00:00:00.000000001Z', 1n],
    ['1970-01-01T01:00:00.000000010+01:00', 10n],
    ['1970-01-01t00:00:00z', 0n],
    ['1970-01-01T00:00:00.1234567899Z', 123_456_789n],
  ])('unixNanos parses %s', (text, nanos) => {
    expect(unixNanos(text)).toBe(nanos);
  });

  it.each(['', 'yesterday', '2026-05-01', '2026-13-01T00:00:00Z', '2026-05-01T12:00:00'])(
    'unixNanos and unixMillis reject %j',
    (text) => {
      expect(unixNanos(text)).toBeUndefined();
      expect(unixMillis(text)).toBeUndefined();
    },
  );

  it('unixMillis rounds up', () => {
    expect(unixMillis('1970-01-01T00:00:00.000000001Z')).toBe(1);
    expect(unixMillis('1970-01-01T00:00:00.001Z')).toBe(1);
  });

  it.each([
    ['2026-05-01T12:00:00.000000002Z', '2026-05-01T12:00:00.000000001Z', true],
    ['2026-05-01T12:00:00.000000001Z', '2026-05-01T12:00:00.000000001Z', false],
    ['2026-05-01T12:00:00Z', '2026-05-01T12:00:00.000000001Z', false],
    ['2026-05-01T14:00:00.5+02:00', '2026-05-01T12:00:00Z', true],
    ['2026-05-01T12:00:00Z', undefined, true],
    ['2026-05-01T12:00:00Z', 'nonsense', true],
    [undefined, undefined, false],
    ['nonsense', undefined, false],
  ])('isLater: %s than %s is %s', (a, b, expected) => {
    expect(isLater(a, b)).toBe(expected);
  });
});
