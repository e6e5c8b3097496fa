import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { checked } from '../support/command';

const SCRIPT = join(__dirname, 'node.sh');

/** A machine inside this one, made by node.sh. Its processes end with it; it leaves nothing behind. */
export class Machine {
  private constructor(
    readonly folder: string,
    private readonly child: ChildProcess,
    /** pid of its first process, as seen from this machine */
    private readonly pid: number,
    private readonly index: number,
  ) {}

  static async start(): Promise<Machine> {
    await checked(SCRIPT, ['sweep']); // leftovers of a killed run
    const folder = mkdtempSync('/var/tmp/fsb-node-');
    const command = ['--pdeathsig', 'KILL', SCRIPT, 'start', folder];
    const child = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const index = await readyIndex(child);
      return new Machine(folder, child, onlyChild(child.pid ?? 0), index);
    } catch (error) {
      await kill(child);
      await checked(SCRIPT, ['sweep', folder]);
      throw error;
    }
  }

  get address(): string {
    return `10.77.${this.index}.2`;
  }

  /** Addresses that it may give to its Pods. */
  get podRange(): string {
    return `10.78.${this.index}.0/24`;
  }

  get serviceRange(): string {
    return `10.79.${this.index}.0/24`;
  }

  /** Address of the API server's Service: the first of the range. */
  get apiAddress(): string {
    return `10.79.${this.index}.1`;
  }

  /** This machine's end of the veth pair. */
  get link(): string {
    return `fsb-node-${this.index}`;
  }

  /** Command prefix that runs a program inside it. */
  get within(): readonly string[] {
    return [SCRIPT, 'within', this.folder, String(this.pid)];
  }

  /** @returns a path of the inner machine as seen from this one */
  path(path: string): string {
    return join(`/proc/${this.pid}/root`, path);
  }

  /** @throws Error with the output when the command fails */
  run(...command: string[]): Promise<string> {
    const [program = '', ...args] = [...this.within, ...command];
    return checked(program, args);
  }

  /** Ends it and all its processes; its folder stays until sweep(). */
  end(): Promise<void> {
    return kill(this.child);
  }

  /**
   * Removes the folder, cgroups and link of this machine, once its processes have ended, and of every other ended one.
   */
  async sweep(): Promise<void> {
    await checked(SCRIPT, ['sweep', this.folder]);
  }
}

async function readyIndex({ stdout }: ChildProcess): Promise<number> {
  if (!stdout) throw new Error('node.sh has no output');
  const lines = createInterface(stdout);
  const [line] = (await Promise.race([once(lines, 'line'), once(lines, 'close')])) as [string?];
  const index = /^ready (\d+)$/.exec(line ?? '')?.[1];
  if (index === undefined) throw new Error(`node.sh does not come up: ${line ?? 'it ended'}`);
  return Number(index);
}

function onlyChild(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
}

/**
 * Kills the child; unshare --kill-child then kills the first process, and the kernel all others of its PID namespace.
 */
async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
