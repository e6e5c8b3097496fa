import { setTimeout as sleep } from 'node:timers/promises';

const PAGE = 4096;
const PAGES = 4_000;
const IDLE_MS = 1_000;
const ROUNDS = 5;

/**
 * What the machine charges for memory that nobody touched for a second: nothing to speak of (0.03 ms) where processes
 * have it, tens of milliseconds where a hypervisor without nested paging takes it back. Whoever sleeps between two calls
 * pays it on the way: the code and the heap that a call touches are some thousand pages in each process.
 * @returns milliseconds for 4,000 pages, the median
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
