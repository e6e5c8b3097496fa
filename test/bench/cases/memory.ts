import { readFileSync } from 'node:fs';
import { type BenchStack } from '../bench-stack';
import { type Measured } from '../result';
import { memoryOf } from '../../support/process-usage';

/**
 * Memory of one standby container: its process and its part of the shim, as PSS (shared pages count by their share).
 */
export async function waitingMemoryCase(stack: BenchStack, waiting: number): Promise<Measured> {
  const pids = await stack.refilled(waiting);
  const shims = new Set(pids.map(parentOf));
  const megabytes = [...pids, ...shims].reduce((sum, pid) => sum + memoryOf(pid).pssMiB * 1.048576, 0);
  return { name: 'waiting-memory', unit: 'MB', ours: [megabytes / pids.length], target: { p50: 2 } };
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
