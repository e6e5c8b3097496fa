import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { readText } from './state-file';

/** Identity of a process. A pid is reused, so its start (clock ticks since boot) and the boot id belong to it. */
export const processIdentity = z.object({
  pid: z.number().int().positive(),
  startTime: z.number().int().nonnegative(),
  bootId: z.string(),
});
export type ProcessIdentity = z.infer<typeof processIdentity>;

const POLL_MS = 50;
/** Poll interval for processes that are meant to run; each poll reads /proc. */
const WATCH_MS = 200;
const KILL_MS = 5_000;

export function identify(pid: number): ProcessIdentity | undefined {
  const stat = statOf(pid);
  return stat && { pid, startTime: stat.startTime, bootId: bootId() };
}

/** False for a zombie too: the children of a dead supervisor may never be reaped. */
export function isAlive({ pid, startTime, bootId: boot }: ProcessIdentity): boolean {
  const stat = statOf(pid);
  return stat?.startTime === startTime && !'ZX'.includes(stat.state) && boot === bootId();
}

export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // process.kill throws only errno errors
  }
}

/**
 * Sends `signal`, then SIGKILL after `graceMs`. Resolves when the process is gone.
 * @throws Error when it survives SIGKILL for 5 s
 */
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

/** Resolves when the process has ended or `signal` aborts. Polls, since an adopted process is not a child. */
export async function untilEnded(identity: ProcessIdentity, signal: AbortSignal): Promise<void> {
  while (isAlive(identity) && !signal.aborted) {
    await sleep(WATCH_MS, undefined, { signal }).catch(() => undefined);
  }
}

function statOf(pid: number): { state: string; startTime: number } | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // the command name, in parentheses, may hold anything: count fields after the last ")"; 3rd: state, 22nd: start
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? 'X', startTime: Number(fields[19]) };
}

let boot: string | undefined;
function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return boot;
}
