import { backOffMs } from './back-off';

it.each([
  [0, 500],
  [1, 1_000],
  [5, 16_000],
  [6, 30_000],
  [100_000, 30_000],
])('backOffMs: with %d failures before, gives %d ms', (failures, ms) => {
  expect(backOffMs(failures, { firstMs: 500, lastMs: 30_000 })).toBe(ms);
});
