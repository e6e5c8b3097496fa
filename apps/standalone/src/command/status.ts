import { type Layout } from '../layout';
import { machineLoad } from '../machine';
import { isHealthy, type ProcessRow, processRows } from './process-rows';

/** @returns the exit code: 0 only if everything is healthy */
export async function status(layout: Layout, output: string | undefined): Promise<number> {
  const rows = await processRows(layout);
  const text = output === 'json' ? JSON.stringify(rows, undefined, 2) : `${table(rows)}machine: ${machineLoad()}`;
  process.stdout.write(`${text}\n`);
  return rows.every(isHealthy) ? 0 : 1;
}

export function table(rows: readonly ProcessRow[]): string {
  const lines = [
    ['NAME', 'PID', 'STATE', 'RESTARTS', 'HEALTH', 'UPTIME', 'LAST END'],
    ...rows.map(({ name, pid, state, restarts, health, uptimeSeconds, lastEnd }) => [
      name,
      String(pid ?? '-'),
      state,
      String(restarts),
      health,
      uptimeSeconds === undefined ? '-' : span(uptimeSeconds),
      lastEnd ?? '-',
    ]),
  ];
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('   ')
          .trimEnd()}\n`,
    )
    .join('');
}

function span(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h${Math.floor((seconds % 3600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d${Math.floor((seconds % 86_400) / 3600)}h`;
}
