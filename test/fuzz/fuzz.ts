import { randomInt } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import * as fc from 'fast-check';

/** Cases for a share of 1. All shares together are 1.38, that is 23,000 cases. */
const RUNS = setting('RUNS', 17_000);
const SEED = setting('SEED', randomInt(2 ** 31));
/** Longer lines of a counterexample are clipped. */
const LINE_CHARS = 2_000;

/**
 * Runs generated cases of one target, one after the other. A failure names the seed, the path and the shrunk case;
 * SEED= repeats it.
 * @param share of RUNS
 */
export async function fuzz<T>(
  target: string,
  share: number,
  cases: fc.Arbitrary<T>,
  check: (value: T) => Promise<unknown>,
): Promise<void> {
  let run = 0;
  const property = fc.asyncProperty(cases, async (value) => {
    run++;
    await check(value);
  });
  try {
    await fc.assert(property, { seed: SEED, numRuns: Math.ceil(RUNS * share) });
  } catch (error) {
    throw new Error(`${target} (make fuzz SEED=${SEED}): ${clipped(error)}`, { cause: error });
  } finally {
    const counts = process.env['FSB_FUZZ_COUNTS'] ?? '';
    if (counts !== '') appendFileSync(counts, `${run}\t${target}\n`);
  }
}

function setting(name: string, absent: number): number {
  const text = process.env[name] ?? '';
  return text === '' ? absent : Number(text);
}

function clipped(error: unknown): string {
  const { message, cause } = error as Error; // fast-check's own, with what the check has thrown
  const lines = `${message}\n${String(cause)}`.split('\n');
  return lines.map((line) => (line.length > LINE_CHARS ? `${line.slice(0, LINE_CHARS)}…` : line)).join('\n');
}
