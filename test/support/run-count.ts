import { appendFileSync } from 'node:fs';

/** Counts this run as one test in the sum of .ci/run, when FSB_TEST_COUNTS names its file. */
export function countRun(hasPassed: boolean): void {
  const counts = process.env['FSB_TEST_COUNTS'] ?? '';
  if (counts !== '') appendFileSync(counts, hasPassed ? '1 passed, 0 failed\n' : '0 passed, 1 failed\n');
}
