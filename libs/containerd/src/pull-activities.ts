import { isApiError } from '@fsb/api/errors';
import { type ContainerdClient } from './containerd-client';
import { type Info as ContentInfo } from './gen/containerd/content';
import { Kind } from './gen/containerd/snapshots';
import { chainIdsOfConfig } from './image-content';
import { type PullActivity } from './pull-limits';
import { sourceOf } from './pull-record';
import { SNAPSHOTTER } from './snapshot-store';

const snapshotter = SNAPSHOTTER;
const LOOK_MS = 10_000;
/** containerd's own labels of a manifest's content: what it refers to. */
const CONFIG_REF = 'containerd.io/gc.ref.content.config';
const CONTENT_REF = 'containerd.io/gc.ref.content.';
/** and of a snapshot that a layer is being unpacked into: `extract-<number> <chain id>` */
const EXTRACT = 'extract-';

/** What containerd is doing for the images of a repository: whose layers it fetches, and what it unpacks. */
export class PullActivities {
  /** by a config's digest, which never changes its meaning; a pull has one or two */
  private readonly chains = new Map<string, readonly string[]>();
  private readonly sizes = new Map<string, number>();

  /** @param name normalised */
  constructor(
    private readonly client: ContainerdClient,
    private readonly name: string,
  ) {}

  async look(): Promise<PullActivity> {
    const content = await this.content();
    const [ingests, extracts] = await Promise.all([this.ingests(content), this.extracts()]);
    const unpacked = await this.unpacked(content, extracts);
    const fetchedBytes = ingests.reduce((sum, { offset }) => sum + offset, 0);
    const position = JSON.stringify([content.length, ingests.map(({ ref, offset }) => [ref, offset]), unpacked]);
    return { position, fetchedBytes, unpackedBytes: Math.max(0, ...unpacked) };
  }

  /** What has come from the image's repository, in whatever pull: containerd notes it as it comes. */
  private async content(): Promise<ContentInfo[]> {
    const { label, path } = sourceOf(this.name);
    const filters = [`labels."${label}"~="(^|,)${path}(,|$)"`];
    const found: ContentInfo[] = [];
    const limit = AbortSignal.timeout(LOOK_MS);
    for await (const { info } of this.client.stream(() => this.client.contentStreams.list({ filters }), limit)) {
      found.push(...info);
    }
    limit.throwIfAborted(); // a stream that is cancelled ends like a whole one
    return found;
  }

  private async ingests(content: readonly ContentInfo[]): Promise<{ ref: string; offset: number }[]> {
    const named = new Set(content.flatMap(({ labels }) => referred(labels)));
    const { statuses } = await this.client.content.listStatuses({ filters: [] });
    return statuses.filter(({ ref }) => named.has(ref.slice(ref.indexOf('-') + 1)));
  }

  /** @returns by chain id, the key of the snapshot that it is unpacked into */
  private async extracts(): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    const limit = AbortSignal.timeout(LOOK_MS);
    const request = { snapshotter, filters: [`kind==active`] };
    for await (const { info } of this.client.stream(() => this.client.snapshotStreams.list(request), limit)) {
      for (const { name, kind } of info) {
        if (kind === Kind.ACTIVE && name.startsWith(EXTRACT)) found.set(name.slice(name.indexOf(' ') + 1), name);
      }
    }
    limit.throwIfAborted();
    return found;
  }

  /** @returns bytes of each image that is being unpacked */
  private async unpacked(content: readonly ContentInfo[], extracts: ReadonlyMap<string, string>): Promise<number[]> {
    if (extracts.size === 0) return [];
    const sizes: number[] = [];
    const present = new Set(content.map(({ digest }) => digest));
    for (const { labels } of content) {
      const config = labels[CONFIG_REF];
      if (config === undefined || !present.has(config)) continue;
      const chain = await this.chainOf(config);
      if (chain.some((id) => extracts.has(id))) sizes.push(await this.sizeOf(chain, extracts));
    }
    return sizes;
  }

  private async chainOf(config: string): Promise<readonly string[]> {
    const known = this.chains.get(config) ?? (await chainIdsOfConfig(this.client, config));
    this.chains.set(config, known);
    return known;
  }

  private async sizeOf(chain: readonly string[], extracts: ReadonlyMap<string, string>): Promise<number> {
    let sum = 0;
    for (const id of chain) {
      const key = extracts.get(id);
      const size = this.sizes.get(id) ?? (await usageOf(this.client, key ?? id));
      if (key === undefined && size > 0) this.sizes.set(id, size); // committed: it stays
      sum += size;
    }
    return sum;
  }
}

/** Bytes of an image's unpacked layers. */
export async function unpackedBytes(client: ContainerdClient, chain: readonly string[]): Promise<number> {
  let sum = 0;
  for (const id of chain) sum += await usageOf(client, id);
  return sum;
}

/** 0 of a snapshot that is not there (yet, or any more). */
async function usageOf(client: ContainerdClient, key: string): Promise<number> {
  try {
    return (await client.snapshots.usage({ snapshotter, key }, { deadlineMs: LOOK_MS })).size;
  } catch (error) {
    if (isApiError(error, 'not_found')) return 0;
    throw error;
  }
}

/** Digests that a manifest or index refers to. */
function referred(labels: Readonly<Record<string, string>>): string[] {
  return Object.entries(labels).flatMap(([key, digest]) => (key.startsWith(CONTENT_REF) ? [digest] : []));
}
