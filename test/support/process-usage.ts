import { readFileSync } from 'node:fs';

/** Kernel counters of a process since its start. */
export interface Usage {
  readonly cpuSeconds: number;
  /** bytes through read and write calls, on sockets and files alike */
  readonly readBytes: number;
  readonly writtenBytes: number;
}

export interface Memory {
  readonly rssMiB: number;
  readonly pssMiB: number;
}

/** Unit of /proc/PID/stat (USER_HZ) on every Linux that Node supports. */
const TICKS_PER_SECOND = 100;

export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // the second field, the name in parentheses, may contain any character
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
