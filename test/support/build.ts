import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

/**
 * Jest's global setup: builds the processes that tests start from the current sources. Unchanged files are not compiled
 * again.
 */
export default function build(): void {
  execFileSync(resolve(__dirname, '../../scripts/build.sh'), { stdio: 'inherit' });
}
