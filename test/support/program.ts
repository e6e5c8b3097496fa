import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = resolve(__dirname, '../..');

/**
 * Compiles a TypeScript program of the tests into one file and runs it as a separate process.
 * @param entry path relative to the checkout
 * @param timeoutMs milliseconds until it is killed
 * @returns its stdout
 * @throws Error with its stderr when the exit code is not 0
 */
export async function runProgram(entry: string, args: readonly string[], timeoutMs: number): Promise<string> {
  const folder = resolve(ROOT, '.cache/programs');
  mkdirSync(folder, { recursive: true });
  const outfile = resolve(folder, `${basename(entry, '.ts')}.cjs`);
  const options = ['--bundle', '--platform=node', '--target=node20', '--packages=external', '--log-level=warning'];
  const esbuild = resolve(ROOT, 'node_modules/.bin/esbuild');
  await run(esbuild, [entry, ...options, '--sourcemap=inline', `--outfile=${outfile}`], { cwd: ROOT });
  const { stdout } = await run(process.execPath, ['--enable-source-maps', outfile, ...args], {
    cwd: ROOT,
    timeout: timeoutMs,
  });
  return stdout;
}
