import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** More than a burst of creates takes; a FIFO that nobody has opened is an inode. */
const FULL = 64;
const LOW = 32;

/** FIFOs that were made ahead: Node has no call for one, and a process for each would cost a cold create some percent. */
export class FifoStock {
  private readonly ready: string[];
  private filling: Promise<void> | undefined;
  private made = 0;

  /** @param folder of this agent alone, on the file system of the folders that get them */
  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.ready = readdirSync(folder).map((name) => join(folder, name));
  }

  /** Puts a FIFO at `path`. @throws Error of mkfifo(1) or the file system */
  async give(path: string): Promise<void> {
    const taken = this.ready.pop();
    if (this.ready.length < LOW) this.fill();
    if (taken === undefined) await makeFifos([path]);
    else renameSync(taken, path);
  }

  /** Begins to make as many as there should be. */
  fill(): void {
    this.filling ??= this.make()
      .catch(() => undefined) // whoever needs one makes it, and is told why it cannot
      .finally(() => (this.filling = undefined));
  }

  private async make(): Promise<void> {
    const paths = Array.from({ length: FULL - this.ready.length }, () =>
      join(this.folder, `${process.pid}-${Date.now()}-${this.made++}`),
    );
    await makeFifos(paths);
    this.ready.push(...paths);
  }
}

async function makeFifos(paths: readonly string[]): Promise<void> {
  await run('mkfifo', ['-m', '600', ...paths]);
}
