import { connect } from 'node:net';
import { messageOf } from '@fsb/api/errors';
import { normaliseImage } from '@fsb/api/image-name';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { ImagePuller } from '@fsb/containerd/image-puller';
import { ImageStore } from '@fsb/containerd/image-store';
import { type PullActivity } from '@fsb/containerd/pull-limits';
import { PullRecords } from '@fsb/containerd/pull-records';
import { type Layout } from '../layout';
import { readChoice } from '../supervisor/choice';
import { Progress } from './progress';

const CONNECT_MS = 3_000;
const MIB = 1024 * 1024;
/** The caller is the operator: no limits of size or speed. */
const LIMITS = { maxBytes: Number.POSITIVE_INFINITY, progressTimeoutMs: Number.POSITIVE_INFINITY };
/** Registry host of `docker.io`. */
const DOCKER_HUB = 'registry-1.docker.io';

/**
 * Pulls an image into the stack's containerd, through CRI.
 * @returns the exit code
 */
export async function pull(layout: Layout, image: string): Promise<number> {
  const progress = new Progress();
  const name = normaliseImage(image);
  const socket = readChoice(layout)?.containerd.socket;
  if (socket === undefined) {
    progress.line('no stack was started yet: run `standalone up` first');
    return 1;
  }
  const refusal = await registryRefusal(name);
  if (refusal !== undefined) {
    progress.line(`no registry answers for ${name}: ${refusal}`);
    return 1;
  }
  const client = new ContainerdClient(socket);
  try {
    const onActivity = ({ fetchedBytes, unpackedBytes }: PullActivity): void => {
      const [fetched, unpacked] = [fetchedBytes, unpackedBytes].map((bytes) => (bytes / MIB).toFixed(1));
      progress.waiting(`${name}: fetching ${fetched} MiB, unpacked ${unpacked} MiB`);
    };
    const puller = new ImagePuller(client, new ImageStore(client));
    const image = await puller.pull(name, { auth: undefined, limits: LIMITS, onActivity });
    await new PullRecords(client).add(image, undefined);
    progress.line(`pulled ${name}`);
    return 0;
  } catch (error) {
    progress.line(messageOf(error));
    return 1;
  } finally {
    client.close();
  }
}

/**
 * Why the registry cannot be reached. A fast check, since containerd itself retries for half a minute. Skipped behind a
 * proxy, through which only containerd connects.
 */
async function registryRefusal(name: string): Promise<string | undefined> {
  if (Object.keys(process.env).some((variable) => /^https?_proxy$/i.test(variable))) return undefined;
  const [registry = ''] = name.split('/');
  const [host = '', port = '443'] = (registry === 'docker.io' ? DOCKER_HUB : registry).split(':');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: CONNECT_MS });
    const end = (refusal?: string): void => {
      socket.destroy();
      resolve(refusal);
    };
    socket.on('connect', () => {
      end();
    });
    socket.on('timeout', () => {
      end(`${host} does not answer`);
    });
    socket.on('error', (error) => {
      end(error.message);
    });
  });
}
