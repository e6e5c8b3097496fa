import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

/** Before the first test: the processes that tests start are those of the sources as they are now. Only what has changed is compiled. */
export default function build(): void {
  execFileSync(resolve(__dirname, '../../scripts/build.sh'), { stdio: 'inherit' });
}
