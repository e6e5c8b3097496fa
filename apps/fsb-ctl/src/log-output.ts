import { once } from 'node:events';
import type { Gateway } from './gateway';

interface Selection {
  readonly sandboxName: string;
  readonly namespace: string;
  readonly sandboxId: string;
  readonly follow: boolean;
  readonly tailLines?: number | undefined;
}

/** Copies a log to stdout at the speed of whoever reads that. */
export async function printLogs(gateway: Gateway, selection: Selection): Promise<void> {
  for await (const data of gateway.logs(selection)) {
    if (!process.stdout.write(data)) await once(process.stdout, 'drain');
  }
}
