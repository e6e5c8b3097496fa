import { once } from 'node:events';

/** Copies a log to stdout at the speed of whoever reads that. */
export async function printAll(log: AsyncIterable<Buffer>): Promise<void> {
  for await (const data of log) {
    if (!process.stdout.write(data)) await once(process.stdout, 'drain');
  }
}
