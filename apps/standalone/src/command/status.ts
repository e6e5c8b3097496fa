import { existsSync } from 'node:fs';
import { files, type Layout } from '../layout';
import { machineLoad } from '../machine';
import { isHealthy, type ProcessRow, processRows } from './process-rows';

/** Exit code of `systemctl status` for a service that does not run. */
const STOPPED = 3;

/** @returns the exit code: 0 when everything is healthy, 3 when nothing runs, else 1 */
export async function status(layout: Layout, output: string | undefined): Promise<number> {
  const rows = await processRows(layout);
  const isStopped = rows.every(({ state }) => state !== 'running');
  if (isStopped && output !== 'json') {
    process.stdout.write(`${stoppedText(layout)}\n`);
    return STOPPED;
  }
  const text = output === 'json' ? JSON.stringify(rows, undefined, 2) : `${statusTable(rows)}machine: ${machineLoad()}`;
  process.stdout.write(`${text}\n`);
  return isStopped ? STOPPED : rows.every(isHealthy) ? 0 : 1;
}

function stoppedText(layout: Layout): string {
  return existsSync(files.settings(layout))
    ? `the stack is stopped; up starts it again with the objects and images in ${layout.state}`
    : `there is no stack in ${layout.state}; up makes one`;
}

export function statusTable(rows: readonly ProcessRow[]): string {
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
