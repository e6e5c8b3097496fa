import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { checked } from '../support/command';

const SCRIPT = join(__dirname, 'node.sh');

/** A machine within this one, as node.sh makes it: what runs in it ends with it, and leaves nothing. */
export class Machine {
  private constructor(
    readonly folder: string,
    private readonly child: ChildProcess,
    /** of its first process, as this machine sees it */
    private readonly pid: number,
    private readonly index: number,
  ) {}

  static async start(): Promise<Machine> {
    await checked(SCRIPT, ['sweep']); // what a killed run has left
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

  /** What it may give to its Pods. */
  get podRange(): string {
    return `10.78.${this.index}.0/24`;
  }

  get serviceRange(): string {
    return `10.79.${this.index}.0/24`;
  }

  /** The Service of the API server's: the first of all. */
  get apiAddress(): string {
    return `10.79.${this.index}.1`;
  }

  /** This machine's end of its network. */
  get link(): string {
    return `fsb-node-${this.index}`;
  }

  /** What a command is prefixed with to run in it. */
  get within(): readonly string[] {
    return [SCRIPT, 'within', this.folder, String(this.pid)];
  }

  /** @returns where this machine sees a path of it */
  path(path: string): string {
    return join(`/proc/${this.pid}/root`, path);
  }

  /** @throws with what the command said */
  run(...command: string[]): Promise<string> {
    const [program = '', ...args] = [...this.within, ...command];
    return checked(program, args);
  }

  /** With all that runs in it; its folder stays. */
  end(): Promise<void> {
    return kill(this.child);
  }

  /** Of this one, when its processes have ended, and of any other that has: folder, cgroups, link. */
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

/** unshare --kill-child takes the first process along, and the kernel all others. */
async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
