import { createHash } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';

/** containerd's own, whatever its state folder is set to. */
const FOLDER = '/run/containerd/s';
const CONNECT_MS = 2000;

/** Where the shim of a group (of a container that shares none: its id) listens. */
export function shimSocket(containerdSocket: string, namespace: string, group: string): string {
  const digest = createHash('sha256')
    .update(join(containerdSocket, namespace, group))
    .digest('hex');
  return join(FOLDER, digest);
}

/** A shim that was killed leaves its socket, and containerd leaves it too. One that still answers is not touched. */
export async function removeDeadSocket(path: string): Promise<void> {
  if ((await connectFailure(path)) === 'ECONNREFUSED') await unlink(path).catch(() => undefined); // gone meanwhile
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
