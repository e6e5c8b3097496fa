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

/** Written by the launcher when it has read its order. */
const READ = '.';

/** Why the launcher could not become what it was ordered to be. */
export interface LaunchFailure {
  /** hostname, chdir, capabilities, groups, user, exec; empty: no answer in time */
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
   * @returns undefined then; `unread` where the launcher had died before, and nothing has run
   */
  order(bytes: Buffer): Promise<LaunchFailure | 'unread' | undefined> {
    this.isOpen = false;
    const answer = new Socket({ fd: this.answer, readable: true, writable: false });
    this.write(bytes);
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
        resolve(outcomeOf(said));
      });
    });
  }

  private write(bytes: Buffer): void {
    try {
      writeSync(this.orders, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error; // dead: the answer ends without a word
    } finally {
      closeSync(this.orders);
    }
  }
}

function outcomeOf(said: string): LaunchFailure | 'unread' | undefined {
  if (!said.startsWith(READ)) return 'unread';
  if (said === READ) return undefined;
  const [step = '', errno = ''] = said.slice(READ.length).split(' ');
  return { step, errno: Number(errno) || 0 };
}
