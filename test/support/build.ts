import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

/** Before the first test: the processes that tests start are those of the sources as they are now. Incremental: 3 s when nothing changed. */
export default function build(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: resolve(__dirname, '../..'), stdio: 'inherit' });
}
