import { ContainerLabels } from '@fsb/api/labels';
import { type ContainerdClient } from '@fsb/containerd/containerd-client';
import { signalProcess } from '../../apps/standalone/src/process-identity';
import { readText } from '../../apps/standalone/src/state-file';
import { type Shim } from '../support/shims';

const LIST_MS = 5_000;

/**
 * Kills a shim. It is stopped while the containers of its group are listed, so that no task is added in between.
 * @returns ids of the containers that die with it and of their sandboxes; undefined when it serves none yet
 */
export async function killShim({ process }: Shim, containerd: ContainerdClient): Promise<string[] | undefined> {
  const group = await groupOf(process.pid, containerd);
  if (group === undefined) return undefined;
  signalProcess(process, 'SIGSTOP');
  try {
    const { containers } = await containerd.containers.list({ filters: [] }, { deadlineMs: LIST_MS });
    const dying = containers.filter(({ labels }) => labels[ContainerLabels.shimGroup] === group);
    signalProcess(process, 'SIGKILL');
    return dying.flatMap(({ id, labels }) => [id, labels[ContainerLabels.id] ?? id]);
  } catch (error) {
    signalProcess(process, 'SIGCONT'); // unknown which containers it would end
    throw error;
  }
}

/** Shim group, found through a child process: a shim does not name its group. */
async function groupOf(pid: number, containerd: ContainerdClient): Promise<string | undefined> {
  const { tasks } = await containerd.tasks.list({ filter: '' }, { deadlineMs: LIST_MS });
  const child = tasks.find((task) => parentOf(task.pid) === pid);
  if (!child) return undefined;
  const { container } = await containerd.containers.get({ id: child.id || child.containerId }, { deadlineMs: LIST_MS });
  return container?.labels[ContainerLabels.shimGroup];
}

function parentOf(pid: number): number | undefined {
  const parent = /^PPid:\s+(\d+)$/m.exec(readText(`/proc/${pid}/status`) ?? '')?.[1];
  return parent === undefined ? undefined : Number(parent);
}
