import { execFile } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);
const COMMAND_MS = 15_000;

/**
 * Runs a program of the machine, for at most 15 s.
 * @returns its stdout
 * @throws Error with its stderr
 */
export async function runProgram(file: string, ...args: string[]): Promise<string> {
  try {
    const { stdout } = await run(file, args, { timeout: COMMAND_MS, maxBuffer: 4 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new Error(`${file} ${args.join(' ')}: ${stderr || String(error)}`, { cause: error });
  }
}

/** Load of the machine as text, for messages about a slow or silent process. */
export function machineLoad(): string {
  const [one = 0, five = 0, fifteen = 0] = loadavg();
  const loads = [one, five, fifteen].map((load) => load.toFixed(1)).join(', ');
  return `load ${loads} (1, 5, 15 minutes) on ${cpus().length} processors`;
}

/**
 * Makes /run/netns a shared mount, as a side effect of `ip netns add`. Network namespaces made later then propagate to
 * the mount namespace of a containerd started after this call.
 */
export async function shareNetworkNamespaces(): Promise<void> {
  const name = `fsb-share-${process.pid}`;
  await runProgram('ip', 'netns', 'add', name);
  await runProgram('ip', 'netns', 'delete', name);
}
