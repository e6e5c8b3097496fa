import { ApiError, isApiError } from '@fsb/api/errors';
import { type ContainerdClient } from './containerd-client';
import { chainIds, type ConfigDocument, type ContentDescriptor, readImage } from './image-content';
import { normaliseImage } from '@fsb/api/image-name';
import { setBounded } from '@fsb/kit/set-bounded';
import { signalNumber } from './signal-number';
import { SnapshotStore } from './snapshot-store';

export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** `NAME=value` */
  readonly env: readonly string[];
  /** empty: the root folder */
  readonly workingDir: string;
  readonly user: string;
  /** absolute, sorted; at most {@link MAX_VOLUMES} */
  readonly volumes: readonly string[];
  /** number of the stop signal; absent: SIGTERM */
  readonly stopSignal?: number;
}

/** An image in the node's cache, unpacked. */
export interface ImageInfo {
  /** normalised */
  readonly name: string;
  readonly digest: string;
  /** key of the unpacked image's snapshot, the parent of a container's snapshot */
  readonly chainId: string;
  readonly config: ImageConfig;
}

export interface RegistryAuth {
  readonly username: string;
  readonly password: string;
}
/** Images cached by digest, which never becomes outdated. Beyond this the oldest are dropped. */
const MAX_CACHED = 256;
/** Volumes read of a config; no builder writes so many. */
const MAX_VOLUMES = 256;

/** The node's images, from containerd's image store, with a cache. */
export class ImageStore {
  private readonly byDigest = new Map<string, Promise<ImageInfo>>();
  /** target of each name; undefined: not cached */
  private tags: ReadonlyMap<string, ContentDescriptor> | undefined;
  private tagChanges = 0;
  private readonly snapshots: SnapshotStore;

  constructor(private readonly client: ContainerdClient) {
    this.snapshots = new SnapshotStore(client);
  }

  /**
   * The image that a name refers to now, unpacked if need be.
   * @returns undefined if the node does not have it
   * @throws ApiError invalid_argument for a malformed name or image; not_found if it is of another platform
   */
  async resolve(reference: string, signal?: AbortSignal): Promise<ImageInfo | undefined> {
    const name = normaliseImage(reference);
    const target = await this.targetOf(name, signal);
    if (!target) return undefined;
    let info = this.byDigest.get(target.digest);
    if (!info) {
      info = this.load(name, target);
      setBounded(this.byDigest, target.digest, info, MAX_CACHED);
      info.catch(() => this.byDigest.delete(target.digest));
    }
    return { ...(await info), name };
  }

  /** Drops an image from the cache, whose snapshot is gone. The next resolve unpacks it again. */
  forget({ digest }: Pick<ImageInfo, 'digest'>): void {
    this.byDigest.delete(digest);
  }

  /** Drops the cached names: one has changed, or changes are no longer reported. */
  tagsChanged(): void {
    this.tags = undefined;
    this.tagChanges++;
  }

  /**
   * Names of the node's images, without CRI's aliases by digest. Their targets are cached until {@link tagsChanged},
   * which the caller must call at every change.
   */
  async list(signal?: AbortSignal): Promise<string[]> {
    const before = this.tagChanges;
    const { images } = await this.client.images.list({ filters: [] }, { signal });
    if (before === this.tagChanges) {
      this.tags = new Map(images.flatMap(({ name, target }) => (target ? [[name, target]] : [])));
    }
    return images.map(({ name }) => name).filter((name) => !name.startsWith('sha256:') && !name.includes('@sha256:'));
  }

  /** @param name normalised */
  async targetOf(name: string, signal?: AbortSignal): Promise<ContentDescriptor | undefined> {
    const known = this.tags?.get(name);
    if (known) return known;
    try {
      const { image } = await this.client.images.get({ name }, { signal });
      return image?.target;
    } catch (error) {
      if (isApiError(error, 'not_found')) return undefined;
      throw error;
    }
  }

  /** Reads and unpacks an image, without a caller's signal: others may wait for the same image. */
  private async load(name: string, target: ContentDescriptor): Promise<ImageInfo> {
    const { config, document, layers } = await readImage(this.client, target);
    const chain = chainIds(document.rootfs.diff_ids);
    const chainId = chain.at(-1);
    if (chainId === undefined) throw new ApiError('invalid_argument', `image: ${name} has no layers`);
    await this.snapshots.unpack(config, layers, chain);
    return { name, digest: target.digest, chainId, config: configOf(document) };
  }
}

function configOf({ config }: ConfigDocument): ImageConfig {
  const { Entrypoint, Cmd, Env, WorkingDir, User, Volumes, StopSignal } = config ?? {};
  const stopSignal = signalNumber(StopSignal ?? '');
  return {
    ...{ entrypoint: Entrypoint ?? [], cmd: Cmd ?? [], env: Env ?? [], workingDir: WorkingDir ?? '', user: User ?? '' },
    volumes: volumesOf(Volumes ?? {}),
    ...(stopSignal === undefined ? {} : { stopSignal }),
  };
}

function volumesOf(volumes: Readonly<Record<string, unknown>>): string[] {
  const paths = Object.keys(volumes).filter((path) => path !== '');
  return paths
    .sort()
    .slice(0, MAX_VOLUMES)
    .map((path) => (path.startsWith('/') ? path : `/${path}`));
}
