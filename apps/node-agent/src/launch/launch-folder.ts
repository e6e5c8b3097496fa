import { closeSync, constants, linkSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { copyFile, link } from 'node:fs/promises';
import { join } from 'node:path';
import { type FifoStock } from './fifo-stock';
import { LaunchAnswer, type LaunchOutcome } from './launch-answer';

/** The folder's mount point until the launcher unmounts it: below a tmpfs, so that it hides nothing of the image. */
export const LAUNCH_MOUNT = '/dev/.fast-sandbox';

/** The parts of a launch folder. */
export interface LaunchParts {
  /** the launcher's program: linked where it is on the same file system, else copied */
  readonly launcher: string;
  readonly fifos: FifoStock;
  /** the sandbox's own files, which the launcher binds over the image's */
  readonly files: { readonly resolvConf: string; readonly hosts: string; readonly hostname: string };
}

/** The host folder by which an agent and a launcher communicate: the program, the order, the answer. See launcher.c. */
export class LaunchFolder {
  constructor(readonly path: string) {}

  /** Fills the folder for a standby container, whose order comes later through a FIFO. */
  async prepare(parts: LaunchParts): Promise<void> {
    await this.fill(parts);
    await parts.fifos.placeAt(join(this.path, 'orders'));
  }

  /** Fills the folder for a container whose order is known before it starts. @returns its launcher's answer */
  async prepareOrdered(parts: LaunchParts, order: Buffer): Promise<LaunchAnswer> {
    await this.fill(parts);
    writeFileSync(join(this.path, 'orders'), order, { mode: 0o600 });
    return new LaunchAnswer(this.openAnswer());
  }

  /** Deletes an order that was read, since it has values of variables. */
  forgetOrder(): void {
    rmSync(join(this.path, 'orders'), { force: true });
  }

  /**
   * Opens the connection to a standby container's launcher. From here on the launcher ends if no order follows.
   * @returns undefined where no launcher waits
   */
  open(): Launch | undefined {
    try {
      // the answer first: a launcher whose answer has no reader ends
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
    await fifos.placeAt(join(this.path, 'answer'));
  }

  private openAnswer(): number {
    return openSync(join(this.path, 'answer'), constants.O_RDONLY | constants.O_NONBLOCK);
  }
}

/** A connection to a waiting launcher, for one order. */
export class Launch {
  private isOpen = true;

  constructor(
    private readonly orders: number,
    private readonly answer: number,
  ) {}

  /** Closes without an order; the launcher ends. */
  abandon(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    closeSync(this.orders);
    closeSync(this.answer);
  }

  /** Sends the order. Resolves with the outcome. */
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
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error; // the launcher is dead: its answer ends empty
    } finally {
      closeSync(this.orders);
    }
  }
}
