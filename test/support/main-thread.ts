import { readFileSync } from 'node:fs';

const NS_PER_MS = 1e6;

/**
 * CPU time of a process' main thread so far, in milliseconds. The increase over one request bounds the longest turn of
 * the event loop for it from above; other load on the machine does not count.
 */
export function mainThreadMs(pid: number): number {
  const [nanoseconds] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ');
  return Number(nanoseconds) / NS_PER_MS;
}
