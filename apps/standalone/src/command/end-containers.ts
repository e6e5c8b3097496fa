import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ContainerLabels, installationLabels } from '@fsb/api/labels';
import { sandboxOfLog } from '@fsb/node/sandbox-log-files';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { labelFilter } from '@fsb/containerd/label-filter';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { files, type Layout } from '../layout';
import { endProcess, identify, isAlive, type ProcessIdentity } from '../process-identity';
import { readText, removeFile } from '../state-file';
import { readChoice } from '../supervisor/choice';
import { containerdRefusal } from '../supervisor/containerd-choice';
import { containerdCommand } from '../supervisor/private-containerd';
import { readRecord } from '../supervisor/process-record';

const PARALLEL = 4;
const START_MS = 30_000;
const GRACE_MS = 10_000;
const POLL_MS = 100;

/** Removes this installation's containers with their tasks and snapshots; in a private containerd, all containers. */
export async function endContainers(layout: Layout, installation: string | undefined): Promise<string | undefined> {
  const containerd = readChoice(layout)?.containerd;
  if (!containerd || (!containerd.private && installation === undefined)) return undefined;
  if (containerd.private && !existsSync(files.containerdConfig(layout))) return undefined; // ended by an earlier down
  const temporary = containerd.private ? await startForCleaning(layout) : undefined;
  try {
    const removed = await removeAll(containerd.socket, oursFilter(containerd, installation ?? ''));
    for (const { id } of removed) removeLogs(layout, id);
    const sandboxes = removed.filter(({ isSandbox }) => isSandbox).length;
    return `ended ${sandboxes} for good, removed ${removed.length - sandboxes} standby containers`;
  } finally {
    if (temporary) await endProcess(temporary, GRACE_MS);
  }
}

/**
 * Number of sandboxes that have a container.
 * @returns undefined when it is unknown: the containerd does not answer and is shared, or shims of it run; or it is shared
 * and the installation is not known
 */
export async function countSandboxes(layout: Layout, installation: string | undefined): Promise<number | undefined> {
  const containerd = readChoice(layout)?.containerd;
  if (!containerd) return 0;
  if (!containerd.private && installation === undefined) return undefined;
  if ((await containerdRefusal(containerd.socket)) !== undefined) {
    return containerd.private && shimsOf(containerd.socket).length === 0 ? 0 : undefined;
  }
  const client = new ContainerdClient(containerd.socket);
  try {
    return (await new SandboxRuntime(client).list(oursFilter(containerd, installation ?? ''))).filter(isSandbox).length;
  } finally {
    client.close();
  }
}

interface Removed {
  /** sandbox id, else container id */
  readonly id: string;
  readonly isSandbox: boolean;
}

async function removeAll(socket: string, filter: string): Promise<Removed[]> {
  const client = new ContainerdClient(socket);
  const runtime = new SandboxRuntime(client);
  try {
    const containers = await runtime.list(filter);
    const queue = containers.map(({ id }) => id);
    const work = async (): Promise<void> => {
      for (let id = queue.pop(); id !== undefined; id = queue.pop()) await runtime.remove(id);
    };
    await Promise.all(Array.from({ length: PARALLEL }, work));
    return containers.map((container) => ({
      id: container.labels[ContainerLabels.id] ?? container.id,
      isSandbox: isSandbox(container),
    }));
  } finally {
    client.close();
  }
}

/** Filter of this installation's containers; empty (all) for a private containerd. */
function oursFilter({ private: isPrivate }: { readonly private: boolean }, installation: string): string {
  return isPrivate ? '' : labelFilter(installationLabels(installation));
}

function isSandbox({ labels }: { readonly labels: Readonly<Record<string, string>> }): boolean {
  return (labels[ContainerLabels.sandboxName] ?? '') !== '';
}

/** Removes the log files of a sandbox, as its agent would have done. */
function removeLogs({ log }: Layout, id: string): void {
  for (const name of readdirSync(log).filter((file) => sandboxOfLog(file) === id)) removeFile(join(log, name));
}

/**
 * Starts a private containerd that is not running. One that was killed left its containers running; only a containerd
 * on the same root can end and remove them.
 * @returns undefined when it runs already
 */
async function startForCleaning(layout: Layout): Promise<ProcessIdentity | undefined> {
  const socket = files.containerdSocket(layout);
  if ((await containerdRefusal(socket)) === undefined) return undefined;
  const { command, args } = containerdCommand(files.containerdConfig(layout));
  const child = spawn(command, args, { stdio: 'ignore', detached: true });
  await once(child, 'spawn'); // rejects with the reason when it does not start
  child.unref();
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  const deadline = performance.now() + START_MS;
  while ((await containerdRefusal(socket)) !== undefined) {
    if (!identity || !isAlive(identity) || performance.now() > deadline) throw new Error('containerd does not start');
    await sleep(POLL_MS);
  }
  return identity;
}

/** Ends the private containerd and its shims. The machine's own containerd has no record and keeps running. */
export async function endPrivateContainerd(layout: Layout): Promise<string | undefined> {
  const socket = files.containerdSocket(layout);
  const record = readRecord(layout, 'containerd');
  if (record) await endProcess(record.process, GRACE_MS);
  const shims = shimsOf(socket);
  await Promise.all(shims.map((shim) => endProcess(shim, GRACE_MS)));
  return record ? 'ended' : undefined;
}

/** Shims of the containerd with this socket: it is an argument of their command lines. */
function shimsOf(socket: string): ProcessIdentity[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const [file = '', ...args] = (readText(`/proc/${pid}/cmdline`) ?? '').split('\0');
      return file.includes('containerd-shim') && args.includes(socket);
    })
    .flatMap((pid) => identify(Number(pid)) ?? []);
}
