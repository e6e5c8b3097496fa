import { type Stage } from '@fsb/agent-api/agent-api';
import { COLORS, fixed, svg, text } from './svg';

export interface Creates {
  readonly name: string;
  readonly stages: readonly (readonly Stage[])[];
}

const WIDTH = 760;
const [LEFT, RIGHT, ROW, HEAD] = [130, 640, 22, 44];

/** Breakdown of a create: the median of each stage, in order. @param machine caption */
export function stageChart(title: string, machine: string, groups: readonly Creates[]): string {
  const rows = groups.map(({ name, stages }) => ({ name, medians: mediansOf(stages) }));
  const longest = Math.max(...rows.map(({ medians }) => medians.reduce((sum, [, ms]) => sum + ms, 0)));
  const parts: string[] = [text({ x: 20, y: 20, text: title })];
  let y = HEAD;
  for (const { name, medians } of rows) {
    const total = medians.reduce((sum, [, ms]) => sum + ms, 0);
    parts.push(text({ x: 20, y: y + 12, text: `${name}: ${milliseconds(total)}` }));
    y += ROW;
    let from = 0;
    for (const [i, [stage, ms]] of medians.entries()) {
      const scale = (RIGHT - LEFT) / longest;
      const [x, width] = [LEFT + from * scale, Math.max(1, ms * scale)];
      parts.push(text({ x: LEFT - 8, y: y + 12, text: stage, anchor: 'end' }));
      parts.push(
        `<rect x="${fixed(x)}" y="${y}" width="${fixed(width)}" height="${ROW - 6}" fill="${COLORS[i % COLORS.length] ?? ''}"/>`,
      );
      parts.push(text({ x: x + width + 6, y: y + 12, text: milliseconds(ms) }));
      from += ms;
      y += ROW;
    }
    y += ROW / 2;
  }
  parts.push(text({ x: 20, y: y + 6, text: machine, size: 10 }));
  return svg(WIDTH, y + 16, title, parts);
}

function mediansOf(creates: readonly (readonly Stage[])[]): readonly (readonly [string, number])[] {
  const byStage = new Map<string, number[]>();
  for (const { name, ms } of creates.flat()) byStage.set(name, [...(byStage.get(name) ?? []), ms]);
  return [...byStage].map(([name, values]) => {
    const sorted = values.sort((one, other) => one - other);
    return [name, sorted[Math.floor(sorted.length / 2)] ?? NaN] as const;
  });
}

function milliseconds(ms: number): string {
  return `${Number(ms.toPrecision(2))} ms`;
}
