/** One line of test/bench/results.json. */
export interface Result {
  readonly name: string;
  readonly n: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly unit: Unit;
  /** name of the yardstick, measured in the same run; empty: none */
  readonly yardstick: string;
  /** median of ours divided by the median of the yardstick; null: no yardstick */
  readonly ratio: number | null;
  /** empty: no target */
  readonly target: string;
  /** null: no target */
  readonly met: boolean | null;
}

export type Unit = 'ms' | 'µs' | 'per s' | 'per CPU s' | 'MB' | '%';
type Figure = 'p50' | 'p95' | 'p99' | 'ratio';
/** A plain number is a maximum. */
export type Target = Partial<Record<Figure, number | { readonly least: number }>>;

export interface Measured {
  readonly name: string;
  readonly unit: Unit;
  /** not empty */
  readonly ours: readonly number[];
  readonly yardstick?: { readonly name: string; readonly values: readonly number[] };
  readonly target: Target;
}

export function resultOf({ name, unit, ours, yardstick, target }: Measured): Result {
  const figures = {
    p50: percentile(ours, 0.5),
    p95: percentile(ours, 0.95),
    p99: percentile(ours, 0.99),
    ratio: yardstick ? percentile(ours, 0.5) / percentile(yardstick.values, 0.5) : NaN,
  };
  const wanted = Object.entries(target) as [Figure, NonNullable<Target[Figure]>][]; // the keys of Target
  const isMet = ([figure, limit]: (typeof wanted)[number]): boolean =>
    typeof limit === 'number' ? figures[figure] <= limit : figures[figure] >= limit.least;
  return {
    ...{ name, n: ours.length, ...figures, unit, yardstick: yardstick?.name ?? '' },
    ratio: yardstick ? figures.ratio : null,
    target: wanted.map(([figure, limit]) => `${figure} ${sign(limit)}`).join(', '),
    met: wanted.length === 0 ? null : wanted.every(isMet),
  };
}

function sign(limit: NonNullable<Target[Figure]>): string {
  return typeof limit === 'number' ? `≤ ${round(limit)}` : `≥ ${round(limit.least)}`;
}

/** Percentile by nearest rank. @param values not empty */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** All results as an aligned text table. */
export function table(results: readonly Result[]): string {
  const head = ['case', 'n', 'p50', 'p95', 'p99', 'yardstick', 'ratio', 'target', ''];
  const rows = results.map((one) => [
    one.name,
    String(one.n),
    ...[one.p50, one.p95, one.p99].map((value) => `${round(value)} ${one.unit}`),
    ...[one.yardstick, one.ratio === null ? '' : round(one.ratio), one.target],
    one.met === null ? '' : one.met ? 'met' : 'NOT MET',
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
