import { ContainerLabels } from '@fsb/api/labels';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { isWaiting } from './waiting-containers';

interface ContainerEntry {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Containers of a containerd. @param filters in containerd's syntax; empty: all containers */
export async function containerRecords(
  socket: string,
  filters: readonly string[] = [],
): Promise<readonly ContainerEntry[]> {
  const client = new ContainerdClient(socket);
  try {
    return (await client.containers.list({ filters: [...filters] })).containers;
  } finally {
    client.close();
  }
}

/** Ids of the sandboxes that have a container. A container that belongs to no sandbox appears under its own id. */
export function sandboxIds(records: readonly ContainerEntry[]): string[] {
  return records.flatMap((one) => (isWaiting(one) ? [] : (one.labels[ContainerLabels.id] ?? one.id)));
}

/** containerd ids of the standby containers */
export function waitingIds(records: readonly ContainerEntry[]): string[] {
  return records.flatMap((one) => (isWaiting(one) ? [one.id] : []));
}
