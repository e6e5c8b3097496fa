import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { copyFile, link, mkdir } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Where a waiting container has the folder; the launcher unmounts it. */
export const LAUNCH_MOUNT = '/run/fast-sandbox';
/** The launcher does a handful of system calls. */
const ANSWER_MS = 5_000;

/** Why the launcher could not become what it was ordered to be. */
export interface LaunchFailure {
  /** hostname, chdir, capabilities, groups, user, exec; empty: it ended without a word */
  readonly step: string;
  /** of the system call; 0: unknown */
  readonly errno: number;
}

/** A waiting container's way to its agent: the launcher, and two FIFOs in a folder of the host. See launcher.c. */
export class LaunchFolder {
  constructor(readonly path: string) {}

  /** @param launcher the program: linked where it is on the same file system, else copied */
  async prepare(launcher: string): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    const program = join(this.path, 'launcher');
    await Promise.all([
      link(launcher, program).catch(() => copyFile(launcher, program)),
      run('mkfifo', ['-m', '600', join(this.path, 'orders'), join(this.path, 'answer')]),
    ]);
  }

  /**
   * From here on the launcher listens to nobody else, and ends where nothing is said.
   * @returns undefined where nobody waits
   */
  open(): Launch | undefined {
    try {
      // reading first: the launcher ends where nobody would hear its answer
      const answer = openSync(join(this.path, 'answer'), constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        return new Launch(openSync(join(this.path, 'orders'), constants.O_WRONLY | constants.O_NONBLOCK), answer);
      } catch (error) {
        closeSync(answer);
        throw error;
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException; // fs throws nothing else
      if (code === 'ENXIO' || code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

/** One order to one launcher. */
export class Launch {
  private isOpen = true;

  constructor(
    private readonly orders: number,
    private readonly answer: number,
  ) {}

  /** Says nothing: the launcher ends. */
  abandon(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    closeSync(this.orders);
    closeSync(this.answer);
  }

  /**
   * Resolves when the program runs: the launcher's end of the answer closes with its exec, and by nothing else without a
   * word, but for its death.
   */
  order(bytes: Buffer): Promise<LaunchFailure | undefined> {
    this.isOpen = false;
    const answer = new Socket({ fd: this.answer, readable: true, writable: false });
    writeSync(this.orders, bytes);
    closeSync(this.orders);
    return new Promise((resolve) => {
      let said = '';
      const timer = setTimeout(() => {
        resolve({ step: '', errno: 0 });
        answer.destroy();
      }, ANSWER_MS);
      answer.on('data', (data: Buffer) => (said += data.toString()));
      answer.on('error', () => undefined); // 'close' follows
      answer.on('close', () => {
        clearTimeout(timer);
        resolve(said === '' ? undefined : parse(said));
      });
    });
  }
}

function parse(said: string): LaunchFailure {
  const [step = '', errno = ''] = said.split(' ');
  return { step, errno: Number(errno) || 0 };
}
