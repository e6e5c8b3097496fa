/** Runs every kind of ContainerdClient call against a containerd that fails in every way; prints one line of JSON. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { runtimeEvents } from '@fsb/containerd/runtime-events';
import { HostileContainerd } from './hostile-containerd';
import { type Call, drive } from './hostile-run';

const CALL_MS = 60;

type Use = (client: ContainerdClient, signal: AbortSignal) => Promise<unknown>;

const read = async (all: AsyncIterable<unknown>, most = Infinity): Promise<void> => {
  let count = 0;
  for await (const one of all) if (one !== undefined && ++count >= most) return;
};
const settings = (signal: AbortSignal): { signal: AbortSignal; deadlineMs: number } => ({
  signal,
  deadlineMs: CALL_MS,
});
const snapshots = (client: ContainerdClient, signal: AbortSignal): AsyncIterable<unknown> =>
  client.stream(() => client.snapshotStreams.list({ snapshotter: 'overlayfs', filters: [] }), signal);

const USES: Readonly<Record<string, Use>> = {
  version: (client, signal) => client.version(signal),
  list: (client, signal) => client.containers.list({ filters: [] }, settings(signal)),
  start: (client, signal) => client.tasks.start({ containerId: 'one' }, settings(signal)),
  'a stream, read': (client, signal) => read(snapshots(client, signal)),
  'a stream, left after its first message': (client, signal) => read(snapshots(client, signal), 1),
  events: (client, signal) => read(runtimeEvents(client, signal)),
};

/** One connection per call: a failed connection would fail the next call at once. */
function callsOn(socket: string): Readonly<Record<string, Call>> {
  const call =
    (use: Use): Call =>
    async (signal) => {
      const client = new ContainerdClient(socket);
      try {
        await use(client, signal);
      } finally {
        client.close();
      }
    };
  return Object.fromEntries(Object.entries(USES).map(([name, use]) => [name, call(use)]));
}

async function main(): Promise<void> {
  const folder = mkdtempSync('/var/tmp/fsb-hostile-');
  const server = new HostileContainerd(join(folder, 'c.sock'));
  const left = await drive(server, callsOn(server.socket));
  const open = await server.closed();
  server.stop();
  rmSync(folder, { recursive: true });
  process.stdout.write(JSON.stringify({ ...left, open, behaviours: server.behaviours.length }));
  process.exit(0);
}

void main();
