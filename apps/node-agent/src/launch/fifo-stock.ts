import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** FIFOs in stock: more than a burst of creates takes. An unopened FIFO costs one inode. */
const FULL = 64;
const LOW = 32;

/**
 * A stock of FIFOs made ahead: Node has no mkfifo call, and a process per FIFO would cost a cold create some percent.
 */
export class FifoStock {
  private readonly ready: string[];
  private filling: Promise<void> | undefined;
  private made = 0;

  /** @param folder used by this agent only, on the file system of the folders that get the FIFOs */
  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.ready = readdirSync(folder).map((name) => join(folder, name));
  }

  /** Moves a FIFO to `path`; makes one where the stock is empty. @throws Error of mkfifo(1) or the file system */
  async placeAt(path: string): Promise<void> {
    const taken = this.ready.pop();
    if (this.ready.length < LOW) this.fill();
    if (taken === undefined) await makeFifos([path]);
    else renameSync(taken, path);
  }

  /** Starts to refill the stock. */
  fill(): void {
    this.filling ??= this.make()
      .catch(() => undefined) // with an empty stock, give() makes one and throws the error
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
