import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ContainerdClient } from './containerd-client';
import { isAnswerless } from './runtime-errors';

const END_ATTEMPTS = 30;
const END_RETRY_MS = 1000;
/** A crash leaves the lease; containerd drops it, and what only it held, after this. */
const EXPIRES_AFTER_MS = 60 * 60_000;

/**
 * Runs `work` under a lease: what it makes is not collected while it lives, although nothing refers to it yet.
 */
export async function withLease<T>(client: ContainerdClient, work: (lease: string) => Promise<T>): Promise<T> {
  const expire = new Date(Date.now() + EXPIRES_AFTER_MS).toISOString();
  const request = { id: `fsb-${randomUUID()}`, labels: { 'containerd.io/gc.expire': expire } };
  await client.leases.create(request);
  try {
    return await work(request.id);
  } finally {
    void end(client, request.id); // beside the caller, who has no use for it
  }
}

/** Again where containerd is just away; one that stays all the same is dropped by its expiry. */
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
