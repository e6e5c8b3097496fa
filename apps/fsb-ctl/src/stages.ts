import { z } from 'zod';

const Stages = z.array(z.object({ name: z.string(), ms: z.number().nonnegative() }));
const WIDTH = 32;

/**
 * The stages of a create as a waterfall.
 * @param json the gateway's stages, `[{"name": "choose", "ms": 0.1}]`
 * @returns empty when there are none, or this version cannot parse them
 */
export function waterfall(json: string | undefined): string {
  const stages = parse(json);
  if (stages.length === 0) return '';
  const total = stages.reduce((sum, stage) => sum + stage.ms, 0);
  const rows = [...stages, { name: 'total', ms: total }];
  const names = Math.max(...rows.map((row) => row.name.length));
  const numbers = Math.max(...rows.map((row) => row.ms.toFixed(1).length));
  let before = 0;
  const lines = rows.map(({ name, ms }, index) => {
    const bar = index === stages.length ? '' : barOf(before, ms, total);
    before += ms;
    return `  ${name.padEnd(names)}  ${ms.toFixed(1).padStart(numbers)} ms  ${bar}`.trimEnd();
  });
  return [`Stages${kindOf(stages)}:`, ...lines, ''].join('\n');
}

/** `launch` is a stage of warm starts alone, `task` of cold ones. */
function kindOf(stages: readonly { readonly name: string }[]): string {
  if (stages.some(({ name }) => name === 'launch')) return ' (warm)';
  return stages.some(({ name }) => name === 'task') ? ' (cold)' : '';
}

function barOf(before: number, ms: number, total: number): string {
  if (total === 0) return '';
  const start = Math.min(WIDTH - 1, Math.round((before / total) * WIDTH));
  const end = Math.round(((before + ms) / total) * WIDTH);
  return ' '.repeat(start) + (end > start ? '█'.repeat(end - start) : '▏');
}

function parse(json: string | undefined): z.infer<typeof Stages> {
  if (json === undefined) return [];
  try {
    return Stages.parse(JSON.parse(json));
  } catch {
    return [];
  }
}
