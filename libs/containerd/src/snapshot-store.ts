import { randomUUID } from 'node:crypto';
import { isApiError } from '@fsb/api/errors';
import { type ContainerdClient } from './containerd-client';
import { type Info } from './gen/containerd/snapshots';
import { type Mount } from './gen/containerd/types';
import { type ContentDescriptor } from './image-content';
import { withLease } from './lease';

export const SNAPSHOTTER = 'overlayfs';
const snapshotter = SNAPSHOTTER;
const LIST_MS = 10_000;

/** Unpacks images into snapshots, and lists snapshots. */
export class SnapshotStore {
  constructor(private readonly client: ContainerdClient) {}

  /**
   * Unpacks missing layers, and makes the collector keep them as long as the image. Images that CRI pulled or `ctr`
   * imported are unpacked already.
   */
  async unpack(
    config: ContentDescriptor,
    layers: readonly ContentDescriptor[],
    chain: readonly string[],
  ): Promise<void> {
    const last = chain.at(-1);
    if (last === undefined) return;
    await withLease(this.client, async (lease) => {
      for (const [i, layer] of layers.entries()) {
        const name = chain[i];
        if (name !== undefined && !(await this.exists(name))) await this.apply(layer, name, chain[i - 1] ?? '', lease);
      }
      // the collector finds an image's snapshots through this label of its config
      const label = `containerd.io/gc.ref.snapshot.${snapshotter}`;
      const info = { digest: config.digest, size: 0, labels: { [label]: last } };
      const request = { info, updateMask: [`labels.${label}`] };
      await this.client.content.update(request);
    });
  }

  /** @param filter in containerd's syntax, on labels */
  async list(filter: string): Promise<Info[]> {
    const limit = AbortSignal.timeout(LIST_MS);
    const request = { snapshotter, filters: [filter] };
    const found: Info[] = [];
    for await (const page of this.client.stream(() => this.client.snapshotStreams.list(request), limit)) {
      found.push(...page.info);
    }
    limit.throwIfAborted(); // a cancelled stream ends without an error
    return found;
  }

  private async exists(key: string): Promise<boolean> {
    try {
      await this.client.snapshots.stat({ snapshotter, key });
      return true;
    } catch (error) {
      if (isApiError(error, 'not_found')) return false;
      throw error;
    }
  }

  private async apply(diff: ContentDescriptor, name: string, parent: string, lease: string): Promise<void> {
    const key = `fsb-extract-${randomUUID()}`;
    const settings = { lease, deadlineMs: 120_000 };
    const prepare = { snapshotter, key, parent, labels: {} };
    const { mounts } = await this.client.snapshots.prepare(prepare, settings);
    await this.client.diff.apply({ diff, mounts }, settings);
    const commit = { snapshotter, name, key, labels: {} };
    try {
      await this.client.snapshots.commit(commit, settings);
    } catch (error) {
      if (!isApiError(error, 'already_exists')) throw error; // another process has unpacked the same layer
    }
  }
}

/** The folder of writes of an active snapshot: overlayfs' upperdir, or the mount's source without lower layers. */
export function writableFolder(mounts: readonly Mount[]): string | undefined {
  const [mount] = mounts;
  const upper = mount?.options.find((option) => option.startsWith('upperdir='));
  return upper === undefined ? mount?.source : upper.slice('upperdir='.length);
}
