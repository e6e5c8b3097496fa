import { COLORS, fixed, svg, text } from './svg';

export interface Series {
  readonly name: string;
  /** milliseconds */
  readonly values: readonly number[];
}

const [WIDTH, HEIGHT] = [760, 380];
const PLOT = { left: 50, right: 560, top: 40, bottom: 330 };
const SHARES = [0, 0.25, 0.5, 0.75, 1];
const TICKS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000];

/** Cumulative distribution of start times, on a logarithmic scale. @param machine caption */
export function latencyChart(title: string, machine: string, series: readonly Series[]): string {
  const all = series.flatMap(({ values }) => values);
  const [least, most] = [Math.min(...all) / 1.3, Math.max(...all) * 1.3];
  const x = (ms: number): number =>
    PLOT.left + ((Math.log(ms) - Math.log(least)) / (Math.log(most) - Math.log(least))) * (PLOT.right - PLOT.left);
  const y = (share: number): number => PLOT.bottom - share * (PLOT.bottom - PLOT.top);
  const ticks = TICKS_MS.filter((ms) => ms >= least && ms <= most);
  return svg(WIDTH, HEIGHT, title, [
    text({ x: PLOT.left, y: 20, text: title }),
    text({ x: PLOT.left, y: HEIGHT - 8, text: machine, size: 10 }),
    ...SHARES.flatMap((share) => [
      grid(PLOT.left, y(share), PLOT.right, y(share)),
      text({ x: PLOT.left - 6, y: y(share) + 4, text: `${share * 100} %`, anchor: 'end' }),
    ]),
    ...ticks.flatMap((ms) => [
      grid(x(ms), PLOT.top, x(ms), PLOT.bottom),
      text({ x: x(ms), y: PLOT.bottom + 18, text: `${ms} ms`, anchor: 'middle' }),
    ]),
    ...series.map(({ values }, i) => curve(values, x, y, COLORS[i % COLORS.length] ?? '')),
    ...series.map(({ name, values }, i) =>
      text({
        x: PLOT.right + 14,
        y: PLOT.top + 14 + i * 20,
        text: `${name}: ${median(values)} ms`,
        color: COLORS[i % COLORS.length] ?? '',
      }),
    ),
  ]);
}

function curve(
  values: readonly number[],
  x: (ms: number) => number,
  y: (share: number) => number,
  color: string,
): string {
  const sorted = [...values].sort((one, other) => one - other);
  const points = sorted.flatMap((ms, i) => [`${fixed(x(ms))},${fixed(y(i / sorted.length))}`, `${fixed(x(ms))},${fixed(y((i + 1) / sorted.length))}`]); // prettier-ignore
  return `<polyline fill="none" stroke="${color}" stroke-width="2" points="${points.join(' ')}"/>`;
}

function grid(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}" stroke="#d0d7de" stroke-width="1"/>`;
}

function median(values: readonly number[]): string {
  const sorted = [...values].sort((one, other) => one - other);
  return String(Number((sorted[Math.floor(sorted.length / 2)] ?? NaN).toPrecision(3)));
}
