import { existsSync } from 'node:fs';
import { messageOf } from '@fsb/api/errors';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { files, type Layout } from '../layout';
import { type Settings } from '../settings';
import { type Choice } from './choice';

const SYSTEM = { socket: '/run/containerd/containerd.sock', root: '/var/lib/containerd' };

/** The machine's own containerd if it runs and its CRI answers (images are pulled through it), else a private one. */
export async function chooseContainerd(layout: Layout, wanted: Settings['containerd']): Promise<Choice['containerd']> {
  const own = { private: true, socket: files.containerdSocket(layout), root: files.containerdRoot(layout) };
  if (wanted === 'private') return { ...own, reason: 'as asked for' };
  if (!existsSync(SYSTEM.socket)) return { ...own, reason: 'the machine runs none' };
  const refusal = await criRefusal(SYSTEM.socket);
  if (refusal !== undefined) return { ...own, reason: `the machine's own does not answer CRI: ${refusal}` };
  return { ...SYSTEM, private: false, reason: "the machine's own, its CRI answers" };
}

/** @returns undefined when containerd answers, else the reason it does not */
export async function containerdRefusal(socket: string): Promise<string | undefined> {
  return refusal(socket, (client) => client.version());
}

function criRefusal(socket: string): Promise<string | undefined> {
  return refusal(socket, (client) => client.criRuntime.version({ version: 'v1' }, { deadlineMs: 3000 }));
}

async function refusal(
  socket: string,
  ask: (client: ContainerdClient) => Promise<unknown>,
): Promise<string | undefined> {
  if (!existsSync(socket)) return 'no socket';
  const client = new ContainerdClient(socket);
  try {
    await ask(client);
    return undefined;
  } catch (error) {
    return messageOf(error);
  } finally {
    client.close();
  }
}
