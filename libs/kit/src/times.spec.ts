import { microTime, rfc3339 } from './times';

it.each([
  [0, '1970-01-01T00:00:00Z'],
  [1_769_860_800_999, '2026-01-31T12:00:00Z'],
  [253_402_300_799_000, '9999-12-31T23:59:59Z'],
])('rfc3339: %d is %s', (time, text) => {
  expect([rfc3339(time), rfc3339(new Date(time))]).toEqual([text, text]);
});

it('microTime: has six digits', () => {
  expect(microTime(1_769_860_800_123)).toBe('2026-01-31T12:00:00.123000Z');
});
