import { closeSync, constants, linkSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { copyFile, link } from 'node:fs/promises';
import { join } from 'node:path';
import { type FifoStock } from './fifo-stock';
import { LaunchAnswer, type LaunchOutcome } from './launch-answer';

/** Where a container has the folder until its launcher unmounts it: below a tmpfs, so that nothing of the image is hidden. */
export const LAUNCH_MOUNT = '/dev/.fast-sandbox';

/** What a launch folder is made of. */
export interface LaunchParts {
  /** the launcher's program: linked where it is on the same file system, else copied */
  readonly launcher: string;
  readonly fifos: FifoStock;
  /** the sandbox's own files, which the launcher binds over the image's */
  readonly files: { readonly resolvConf: string; readonly hosts: string; readonly hostname: string };
}

/** A container's way to its agent: the launcher, an order, an answer, in a folder of the host. See launcher.c. */
export class LaunchFolder {
  constructor(readonly path: string) {}

  /** For a container that will wait: its order comes later, through a FIFO. */
  async prepare(parts: LaunchParts): Promise<void> {
    await this.fill(parts);
    await parts.fifos.give(join(this.path, 'orders'));
  }

  /** For a container whose order is known before it starts. @returns where its launcher will answer */
  async prepareOrdered(parts: LaunchParts, order: Buffer): Promise<LaunchAnswer> {
    await this.fill(parts);
    writeFileSync(join(this.path, 'orders'), order, { mode: 0o600 });
    return new LaunchAnswer(this.openAnswer());
  }

  /** An order that was read holds values of variables: they are nobody's any more. */
  forgetOrder(): void {
    rmSync(join(this.path, 'orders'), { force: true });
  }

  /**
   * From here on the launcher of a container that waits listens to nobody else, and ends where nothing is said.
   * @returns undefined where none waits
   */
  open(): Launch | undefined {
    try {
      // reading first: the launcher ends where nobody would hear its answer
      const answer = this.openAnswer();
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

  private async fill({ launcher, fifos, files }: LaunchParts): Promise<void> {
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    const program = join(this.path, 'launcher');
    await link(launcher, program).catch(() => copyFile(launcher, program));
    linkSync(files.resolvConf, join(this.path, 'resolv.conf'));
    linkSync(files.hosts, join(this.path, 'hosts'));
    linkSync(files.hostname, join(this.path, 'hostname'));
    await fifos.give(join(this.path, 'answer'));
  }

  private openAnswer(): number {
    return openSync(join(this.path, 'answer'), constants.O_RDONLY | constants.O_NONBLOCK);
  }
}

/** One order to one launcher that waits. */
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

  /** Resolves when the program runs, or why it does not. */
  order(bytes: Buffer): Promise<LaunchOutcome> {
    this.isOpen = false;
    const answer = new LaunchAnswer(this.answer);
    this.write(bytes);
    return answer.outcome();
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
