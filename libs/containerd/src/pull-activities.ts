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
/** containerd's labels of a manifest's content for what it refers to. */
const CONFIG_REF = 'containerd.io/gc.ref.content.config';
const CONTENT_REF = 'containerd.io/gc.ref.content.';
/** Key prefix of a snapshot into which containerd unpacks a layer: `extract-<number> <chain id>`. */
const EXTRACT = 'extract-';

/** Observes containerd's pulls from one repository: which layers it fetches, and what it unpacks. */
export class PullActivities {
  /** chain ids by a config's digest, which never becomes outdated; a pull has one or two */
  private readonly chains = new Map<string, readonly string[]>();
  private readonly sizes = new Map<string, number>();

  /** @param name normalised */
  constructor(
    private readonly client: ContainerdClient,
    private readonly name: string,
  ) {}

  /** @throws ApiError of containerd, or an AbortError when a list takes longer than ten seconds */
  async look(): Promise<PullActivity> {
    const content = await this.content();
    const [ingests, extracts] = await Promise.all([this.ingests(content), this.extracts()]);
    const unpacked = await this.unpacked(content, extracts);
    const fetchedBytes = ingests.reduce((sum, { offset }) => sum + offset, 0);
    const position = JSON.stringify([content.length, ingests.map(({ ref, offset }) => [ref, offset]), unpacked]);
    return { position, fetchedBytes, unpackedBytes: Math.max(0, ...unpacked) };
  }

  /** All content from the image's repository, of any pull; containerd labels it as it arrives. */
  private async content(): Promise<ContentInfo[]> {
    const { label, path } = sourceOf(this.name);
    const filters = [`labels."${label}"~="(^|,)${path}(,|$)"`];
    const found: ContentInfo[] = [];
    const limit = AbortSignal.timeout(LOOK_MS);
    for await (const { info } of this.client.stream(() => this.client.contentStreams.list({ filters }), limit)) {
      found.push(...info);
    }
    limit.throwIfAborted(); // a cancelled stream ends without an error
    return found;
  }

  private async ingests(content: readonly ContentInfo[]): Promise<{ ref: string; offset: number }[]> {
    const named = new Set(content.flatMap(({ labels }) => referred(labels)));
    const { statuses } = await this.client.content.listStatuses({ filters: [] });
    return statuses.filter(({ ref }) => named.has(ref.slice(ref.indexOf('-') + 1)));
  }

  /** @returns the key of the snapshot being unpacked, by its chain id */
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

  /** @returns unpacked bytes of each image that is being unpacked */
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
      if (key === undefined && size > 0) this.sizes.set(id, size); // committed: it no longer changes
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

/** Bytes of a snapshot; 0 if it does not exist yet, or no longer. */
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
