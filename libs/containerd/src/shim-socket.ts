import { createHash } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';

/** Folder of shim sockets, the same for any state folder of containerd. */
const FOLDER = '/run/containerd/s';
const CONNECT_MS = 2000;

/** Path of a shim's socket. @param group or the container's id, if it shares no shim */
export function shimSocket(containerdSocket: string, namespace: string, group: string): string {
  const digest = createHash('sha256')
    .update(join(containerdSocket, namespace, group))
    .digest('hex');
  return join(FOLDER, digest);
}

/** Removes the socket of a killed shim, which containerd leaves behind. A socket that still answers is kept. */
export async function removeDeadSocket(path: string): Promise<void> {
  if ((await connectFailure(path)) === 'ECONNREFUSED') await unlink(path).catch(() => undefined); // removed meanwhile
}

function connectFailure(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path, timeout: CONNECT_MS });
    const answer = (failure: string | undefined): void => {
      socket.destroy();
      resolve(failure);
    };
    socket.once('connect', () => {
      answer(undefined);
    });
    socket.once('timeout', () => {
      answer(undefined);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      answer(error.code);
    });
  });
}
