import { readdirSync } from 'node:fs';
import { ContainerLabels } from '@fsb/api/labels';
import { type ContainerdClient } from '@fsb/containerd/containerd-client';
import { identify, type ProcessIdentity, signalProcess } from '../../apps/standalone/src/process-identity';
import { readText } from '../../apps/standalone/src/state-file';

const LIST_MS = 5_000;

export interface Shim {
  /** of its first container, or of the group that shares it */
  readonly id: string;
  readonly process: ProcessIdentity;
}

/** A shim names its containerd's socket, and its first container or its group, on its command line. */
export function shimsOf(containerdSocket: string): Shim[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const [file = '', ...args] = (readText(`/proc/${pid}/cmdline`) ?? '').split('\0');
      if (!file.includes('containerd-shim') || !args.includes(containerdSocket)) return [];
      const process = identify(Number(pid));
      return process ? [{ id: args[args.indexOf('-id') + 1] ?? '', process }] : [];
    });
}

/**
 * It is stopped while its containers are read: no task comes to it after that.
 * @returns ids of the containers that die with it, and of the sandboxes in them
 */
export async function killShim({ id, process }: Shim, containerd: ContainerdClient): Promise<string[]> {
  signalProcess(process, 'SIGSTOP');
  try {
    const { containers } = await containerd.containers.list({ filters: [] }, { deadlineMs: LIST_MS });
    const dying = containers.filter(({ id: own, labels }) => (labels[ContainerLabels.shimGroup] ?? own) === id);
    signalProcess(process, 'SIGKILL');
    return dying.flatMap(({ id: own, labels }) => [own, labels[ContainerLabels.id] ?? own]);
  } catch (error) {
    signalProcess(process, 'SIGCONT'); // nobody could say whom it would take along
    throw error;
  }
}
