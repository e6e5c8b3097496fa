import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ContainerdClient } from './containerd-client';
import { isAnswerless } from './runtime-errors';

const END_ATTEMPTS = 30;
const END_RETRY_MS = 1000;
/** Expiry of a lease, after which containerd collects it, and what only it held, after a crash of this process. */
const EXPIRES_AFTER_MS = 60 * 60_000;

/** Runs `work` under a containerd lease, a GC root of what it creates until something else refers to it. */
export async function withLease<T>(client: ContainerdClient, work: (lease: string) => Promise<T>): Promise<T> {
  const expire = new Date(Date.now() + EXPIRES_AFTER_MS).toISOString();
  const request = { id: `fsb-${randomUUID()}`, labels: { 'containerd.io/gc.expire': expire } };
  await client.leases.create(request);
  try {
    return await work(request.id);
  } finally {
    void end(client, request.id); // in the background: the caller need not wait
  }
}

/** Deletes a lease, with retries while containerd is down. One that stays is collected at its expiry. */
async function end(client: ContainerdClient, id: string): Promise<void> {
  for (let attempt = 0; attempt < END_ATTEMPTS; attempt++) {
    try {
      await client.leases.delete({ id, sync: false });
      return;
    } catch (error) {
      if (!isAnswerless(error)) return;
      await sleep(END_RETRY_MS, undefined, { ref: false });
    }
  }
}
