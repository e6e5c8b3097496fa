import { ContainerLabels } from '@fsb/api/labels';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { isWaiting } from './waiting-containers';

interface ContainerEntry {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What a containerd has. @param filters as containerd's; none: all */
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

/** ids of the sandboxes that have a container; what is not a sandbox's has its own id here */
export function sandboxIds(records: readonly ContainerEntry[]): string[] {
  return records.flatMap((one) => (isWaiting(one) ? [] : (one.labels[ContainerLabels.id] ?? one.id)));
}

/** containerd's own ids, of the containers that wait for a sandbox */
export function waitingIds(records: readonly ContainerEntry[]): string[] {
  return records.flatMap((one) => (isWaiting(one) ? [one.id] : []));
}
