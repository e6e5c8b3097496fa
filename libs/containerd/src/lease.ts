import { randomUUID } from 'node:crypto';
import { type ContainerdClient } from './containerd-client';

/** A crash leaves the lease; containerd drops it, and what only it held, after this. */
const EXPIRES_AFTER_MS = 60 * 60_000;

/**
 * Runs `work` under a lease: a snapshot without one is collected between Prepare and the container's creation whenever
 * anything else triggers containerd's collector.
 */
export async function withLease<T>(
  client: ContainerdClient,
  labels: Readonly<Record<string, string>>,
  work: (lease: string) => Promise<T>,
): Promise<T> {
  const expire = new Date(Date.now() + EXPIRES_AFTER_MS).toISOString();
  const request = { id: `fsb-${randomUUID()}`, labels: { ...labels, 'containerd.io/gc.expire': expire } };
  await client.leases.create(request);
  try {
    return await work(request.id);
  } finally {
    // beside the caller, who has no use for its end; one that stays is dropped by its expiry
    void client.leases.delete({ id: request.id, sync: false }).catch(() => undefined);
  }
}
