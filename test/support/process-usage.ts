import { readFileSync } from 'node:fs';

/** What the kernel has counted for a process since it began. */
export interface Usage {
  readonly cpuSeconds: number;
  /** through read and write calls, sockets and files alike */
  readonly readBytes: number;
  readonly writtenBytes: number;
}

export interface Memory {
  readonly rssMiB: number;
  readonly pssMiB: number;
}

/** The unit of /proc/PID/stat on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // the second field is the name, in parentheses, and may hold anything
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const io = readFileSync(`/proc/${pid}/io`, 'utf8');
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    readBytes: numberIn(io, 'rchar'),
    writtenBytes: numberIn(io, 'wchar'),
  };
}

export function memoryOf(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return { rssMiB: numberIn(rollup, 'Rss') / 1024, pssMiB: numberIn(rollup, 'Pss') / 1024 };
}

function numberIn(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);
}
