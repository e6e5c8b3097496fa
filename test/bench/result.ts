/** One line of test/bench/results.json. */
export interface Result {
  readonly name: string;
  readonly n: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly unit: 'ms' | 'µs';
  /** what it is compared with, measured in the same run */
  readonly yardstick: string;
  /** ours ÷ yardstick, medians */
  readonly ratio: number;
  readonly target: string;
  readonly met: boolean;
}

export interface Target {
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
  readonly ratio?: number;
}

export interface Measured {
  readonly name: string;
  readonly unit: Result['unit'];
  readonly ours: readonly number[];
  readonly yardstick: { readonly name: string; readonly values: readonly number[] };
  readonly target: Target;
}

export function resultOf({ name, unit, ours, yardstick, target }: Measured): Result {
  const figures = {
    p50: percentile(ours, 0.5),
    p95: percentile(ours, 0.95),
    p99: percentile(ours, 0.99),
    ratio: percentile(ours, 0.5) / percentile(yardstick.values, 0.5),
  };
  const wanted = Object.entries(target) as [keyof Target, number][];
  return {
    ...{ name, n: ours.length, ...figures, unit, yardstick: yardstick.name },
    target: wanted.map(([figure, limit]) => `${figure} ≤ ${round(limit)}`).join(', '),
    met: wanted.every(([figure, limit]) => figures[figure] <= limit),
  };
}

/** @param values not empty; nearest rank */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** An aligned table of all. */
export function table(results: readonly Result[]): string {
  const head = ['case', 'n', 'p50', 'p95', 'p99', 'yardstick', 'ratio', 'target', ''];
  const rows = results.map((one) => [
    one.name,
    String(one.n),
    ...[one.p50, one.p95, one.p99].map((value) => `${round(value)} ${one.unit}`),
    ...[one.yardstick, round(one.ratio), one.target, one.met ? 'met' : 'NOT MET'],
  ]);
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]?.length ?? 0)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function round(value: number): string {
  return String(Number(value.toPrecision(3)));
}
