import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ContainerdClient } from './containerd-client';
import { absentIsFine } from './runtime-errors';

/** Delays of the collections after a cancelled pull: containerd ends it, and its lease, shortly after the call. */
const UNWIND_MS = [0, 1_000, 4_000];

/** A snapshot of the image names, by which a pull can be undone. */
export class PulledImages {
  private constructor(
    private readonly client: ContainerdClient,
    private readonly before: ReadonlyMap<string, string>,
  ) {}

  /** Takes the snapshot before a pull. */
  static async now(client: ContainerdClient): Promise<PulledImages> {
    return new PulledImages(client, await namesOf(client));
  }

  /** Whether an image with this digest existed before. */
  had(digest: string): boolean {
    return [...this.before.values()].includes(digest);
  }

  /** Removes the names that were added for this digest, and collects what nothing refers to any more. */
  async takeBack(digest: string): Promise<void> {
    const now = await namesOf(this.client);
    const names = [...now].flatMap(([name, of]) => (of === digest && this.before.get(name) !== of ? [name] : []));
    for (const name of names) await absentIsFine(this.client.images.delete({ name, sync: false }));
    await collect(this.client);
  }
}

/** Collects what a cancelled pull had fetched and unpacked, in the background. */
export async function collectInBackground(client: ContainerdClient): Promise<void> {
  for (const ms of UNWIND_MS) {
    await sleep(ms, undefined, { ref: false });
    await collect(client);
  }
}

/** Runs containerd's collector: a lease deleted with `sync` triggers it; by itself it waits for a hundred changes. */
async function collect(client: ContainerdClient): Promise<void> {
  const id = `fsb-collect-${randomUUID()}`;
  await client.leases.create({
    id,
    labels: { 'containerd.io/gc.expire': new Date(Date.now() + 60_000).toISOString() },
  });
  await client.leases.delete({ id, sync: true }, { deadlineMs: 60_000 });
}

async function namesOf(client: ContainerdClient): Promise<Map<string, string>> {
  const { images } = await client.images.list({ filters: [] });
  return new Map(images.map(({ name, target }) => [name, target?.digest ?? '']));
}
