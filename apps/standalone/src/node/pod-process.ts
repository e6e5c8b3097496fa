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
 * Joins cgroups and network namespace, then becomes the command with the same pid. Not `ip netns exec`, which makes a
 * mount namespace whose /sys has no cgroups.
 */
const ENTER =
  'ns=$1; shift; while [ "$1" != -- ]; do echo $$ >"$1"; shift; done; shift; exec nsenter --net="$ns" -- "$@"';
const KEPT_LOGS = 4;

/** Starts a Pod's process in a session of its own, so that it outlives the node. @throws Error when it cannot start */
export function startPodProcess({ argv, env, networkNamespace, cgroups, logPath }: PodCommand): StartedProcess {
  const log = openSync(logPath, 'a', 0o640);
  try {
    const args = ['-c', ENTER, 'sh', networkNamespace, ...cgroups, '--', ...argv];
    const child = spawn('/bin/sh', args, { stdio: ['ignore', log, log], detached: true, cwd: '/', env });
    let end: ProcessEnd | undefined;
    child.on('error', () => undefined); // reported below: there is no pid
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

/** Path of the log of a restart. Creates `folder`, and keeps only the last logs in it. */
export function newLogFile(folder: string, restart: number): string {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    if (Number.parseInt(name, 10) <= restart - KEPT_LOGS) rmSync(join(folder, name), { force: true });
  }
  return logFile(folder, restart);
}

/** 128 + signal when a signal ended the process, as in a shell. */
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
