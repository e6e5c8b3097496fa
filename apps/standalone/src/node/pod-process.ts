import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ProcessEnd } from '../last-end';
import { identify, type ProcessIdentity } from '../process-identity';

export interface PodCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** path of the network namespace */
  readonly networkNamespace: string;
  /** files that the process writes its pid to before it becomes the command */
  readonly cgroups: readonly string[];
  readonly logPath: string;
}

export interface StartedProcess {
  readonly identity: ProcessIdentity;
  /** undefined until it has ended */
  readonly end: () => ProcessEnd | undefined;
}

/**
 * The pid stays the same through all of it. Not `ip netns exec`, which would give the process a mount namespace of its own,
 * with a /sys that has no cgroups.
 */
const ENTER =
  'ns=$1; shift; while [ "$1" != -- ]; do echo $$ >"$1"; shift; done; shift; exec nsenter --net="$ns" -- "$@"';
const KEPT_LOGS = 4;

/** Starts a Pod's process in a session of its own: it outlives the node. @throws Error where it cannot start */
export function startPodProcess({ argv, env, networkNamespace, cgroups, logPath }: PodCommand): StartedProcess {
  const log = openSync(logPath, 'a', 0o640);
  try {
    const args = ['-c', ENTER, 'sh', networkNamespace, ...cgroups, '--', ...argv];
    const child = spawn('/bin/sh', args, { stdio: ['ignore', log, log], detached: true, cwd: '/', env });
    let end: ProcessEnd | undefined;
    child.on('error', () => undefined); // told by the missing pid
    child.on('exit', (code, signal) => {
      end = { code, signal };
    });
    child.unref();
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    if (!identity) throw new Error('/bin/sh did not start');
    return { identity, end: () => end };
  } finally {
    closeSync(log);
  }
}

export function logFile(folder: string, restart: number): string {
  return join(folder, `${restart}.log`);
}

/** Of the logs in `folder` the last few are kept. */
export function newLogFile(folder: string, restart: number): string {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    if (Number.parseInt(name, 10) <= restart - KEPT_LOGS) rmSync(join(folder, name), { force: true });
  }
  return logFile(folder, restart);
}

/** 128 + signal where a signal ended it, as a shell says it. */
export function exitCodeOf({ code, signal }: ProcessEnd): number {
  return code ?? 128 + signalNumber(signal);
}

function signalNumber(signal: NodeJS.Signals | null): number {
  const numbers: Partial<Record<NodeJS.Signals, number>> = {
    SIGHUP: 1,
    SIGINT: 2,
    SIGABRT: 6,
    SIGKILL: 9,
    SIGSEGV: 11,
    SIGTERM: 15,
  };
  return (signal && numbers[signal]) ?? 0;
}
