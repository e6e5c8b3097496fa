import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = resolve(__dirname, '../..');

/**
 * Runs a TypeScript program of the tests in a process of its own, compiled into one file first.
 * @param entry its path from the checkout
 * @param timeoutMs after which it is killed, in milliseconds
 * @returns what it has written to stdout
 * @throws Error where it ends with another code than 0, with what it wrote to stderr
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
