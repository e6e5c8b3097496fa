import { readFileSync } from 'node:fs';

const NS_PER_MS = 1e6;

/**
 * CPU time that the main thread of a process has had, in milliseconds. What one request adds to it is at least what the
 * longest turn of the event loop took for it; other load on the machine does not add to it.
 */
export function mainThreadMs(pid: number): number {
  const [nanoseconds] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ');
  return Number(nanoseconds) / NS_PER_MS;
}
