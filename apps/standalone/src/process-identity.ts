import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { readText } from './state-file';

/** A process, not merely its pid, which is given again: its start in clock ticks, and the boot that these count from. */
export const processIdentity = z.object({
  pid: z.number().int().positive(),
  startTime: z.number().int().nonnegative(),
  bootId: z.string(),
});
export type ProcessIdentity = z.infer<typeof processIdentity>;

const POLL_MS = 50;
/** For processes that are meant to run: a read of /proc each. */
const WATCH_MS = 200;
const KILL_MS = 5_000;

export function identify(pid: number): ProcessIdentity | undefined {
  const stat = statOf(pid);
  return stat && { pid, startTime: stat.startTime, bootId: bootId() };
}

/** False for a zombie: nobody may ever reap the children of a dead supervisor. */
export function isAlive({ pid, startTime, bootId: boot }: ProcessIdentity): boolean {
  const stat = statOf(pid);
  return stat?.startTime === startTime && !'ZX'.includes(stat.state) && boot === bootId();
}

export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // kill(2) fails with an errno, always
  }
}

/** SIGTERM, the grace, SIGKILL. Resolves when the process is gone. */
export async function endProcess(
  identity: ProcessIdentity,
  graceMs: number,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  signalProcess(identity, signal);
  if (await hasEnded(identity, graceMs)) return;
  signalProcess(identity, 'SIGKILL');
  if (!(await hasEnded(identity, KILL_MS))) throw new Error(`process ${identity.pid} does not end, even killed`);
}

async function hasEnded(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (isAlive(identity)) {
    if (performance.now() >= deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Resolves when the process has ended, or `signal` aborts. By polling: a process that was adopted is nobody's child. */
export async function untilEnded(identity: ProcessIdentity, signal: AbortSignal): Promise<void> {
  while (isAlive(identity) && !signal.aborted) {
    await sleep(WATCH_MS, undefined, { signal }).catch(() => undefined);
  }
}

function statOf(pid: number): { state: string; startTime: number } | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // the command's name, in parentheses, may hold anything: fields count from the last one; the 3rd is the state, the 22nd the start
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? 'X', startTime: Number(fields[19]) };
}

let boot: string | undefined;
function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return boot;
}
