import { appendFileSync } from 'node:fs';

/** Of several runs, whoever runs them has the sum: .ci/run. */
export function countRun(hasPassed: boolean): void {
  const counts = process.env['FSB_TEST_COUNTS'] ?? '';
  if (counts !== '') appendFileSync(counts, hasPassed ? '1 passed, 0 failed\n' : '0 passed, 1 failed\n');
}
