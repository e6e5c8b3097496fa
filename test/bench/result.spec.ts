import { percentile, resultOf, table } from './result';

const values = Array.from({ length: 100 }, (_, i) => 100 - i);

it.each([
  [0.5, 50],
  [0.95, 95],
  [0.99, 99],
  [1, 100],
])('percentile: takes the value at the nearest rank (%s)', (share, value) => {
  expect(percentile(values, share)).toBe(value);
});

it('resultOf: compares medians, and meets a target only if all its figures are met', () => {
  const yardstick = { name: 'other', values: [100, 100, 100] };
  const measured = { name: 'case', unit: 'ms', ours: values, yardstick } as const;
  expect(resultOf({ ...measured, target: { ratio: 0.5, p95: 95 } })).toMatchObject({ ratio: 0.5, p99: 99, met: true });
  const missed = resultOf({ ...measured, target: { ratio: 0.5, p95: 94 } });
  expect(missed).toMatchObject({ met: false, target: 'ratio ≤ 0.5, p95 ≤ 94' });
  expect(table([missed])).toMatch(/case +100 +50 ms +95 ms +99 ms +other +0.5 +ratio ≤ 0.5, p95 ≤ 94 +NOT MET/);
});

it('resultOf: supports minimum targets, and cases without yardstick or target', () => {
  const measured = { name: 'case', unit: 'per s', ours: values } as const;
  expect(resultOf({ ...measured, target: { p50: { least: 50 } } })).toMatchObject({ met: true, target: 'p50 ≥ 50' });
  expect(resultOf({ ...measured, target: { p50: { least: 51 } } })).toMatchObject({ met: false, ratio: null });
  const bare = resultOf({ ...measured, target: {} });
  expect(bare).toMatchObject({ met: null, target: '', yardstick: '' });
  expect(table([bare]).split('\n')[1]).toBe('case  100  50 per s  95 per s  99 per s');
});
