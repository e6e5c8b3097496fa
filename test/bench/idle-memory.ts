import { setTimeout as sleep } from 'node:timers/promises';

const PAGE = 4096;
const PAGES = 4_000;
const IDLE_MS = 1_000;
const ROUNDS = 5;

/**
 * Cost of touching memory that was idle for a second: negligible (0.03 ms) where the process keeps it, tens of
 * milliseconds where a hypervisor without nested paging reclaims it. A process that sleeps between calls pays it in
 * each call, because a call touches some thousand pages of code and heap.
 * @returns median of milliseconds for 4,000 pages
 */
export async function idleMemoryMs(): Promise<number> {
  const memory = Buffer.alloc(PAGES * PAGE, 1);
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(IDLE_MS);
    const started = performance.now();
    for (let at = 0; at < memory.length; at += PAGE) memory[at] = round;
    took.push(performance.now() - started);
  }
  return took.sort((one, other) => one - other)[Math.floor(ROUNDS / 2)] ?? 0;
}
