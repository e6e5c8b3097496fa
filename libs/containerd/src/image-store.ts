import { ApiError, isApiError } from '@fsb/api/errors';
import { type ContainerdClient } from './containerd-client';
import { chainIds, type ConfigDocument, type ContentDescriptor, readImage } from './image-content';
import { normaliseImage } from '@fsb/api/image-name';
import { setLatest } from '@fsb/kit/set-latest';
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
  /** number of the signal that asks its process to end; absent: SIGTERM */
  readonly stopSignal?: number;
}

/** An image that is in the node's cache and unpacked. */
export interface ImageInfo {
  /** normalised */
  readonly name: string;
  readonly digest: string;
  /** the snapshot that a container's own is made from */
  readonly chainId: string;
  readonly config: ImageConfig;
}

export interface RegistryAuth {
  readonly username: string;
  readonly password: string;
}
/** Digests never change their meaning; the bound is against an endless stream of images. */
const MAX_CACHED = 256;
/** No builder writes so many. */
const MAX_VOLUMES = 256;

/** The node's images: containerd's own store. */
export class ImageStore {
  private readonly byDigest = new Map<string, Promise<ImageInfo>>();
  /** what each name means; undefined: containerd has to be asked */
  private tags: ReadonlyMap<string, ContentDescriptor> | undefined;
  private tagChanges = 0;
  private readonly snapshots: SnapshotStore;

  constructor(private readonly client: ContainerdClient) {
    this.snapshots = new SnapshotStore(client);
  }

  /** @returns the image as it is tagged now, or undefined where the node does not have it. */
  async resolve(reference: string, signal?: AbortSignal): Promise<ImageInfo | undefined> {
    const name = normaliseImage(reference);
    const target = await this.targetOf(name, signal);
    if (!target) return undefined;
    let info = this.byDigest.get(target.digest);
    if (!info) {
      info = this.load(name, target);
      setLatest(this.byDigest, target.digest, info, MAX_CACHED);
      info.catch(() => this.byDigest.delete(target.digest));
    }
    return { ...(await info), name };
  }

  /** What is remembered of an image whose snapshot has turned out to be gone: the next resolve unpacks it anew. */
  forget({ digest }: Pick<ImageInfo, 'digest'>): void {
    this.byDigest.delete(digest);
  }

  /** From here on containerd is asked what a name means: one has another meaning now, or nobody would hear of it. */
  tagsChanged(): void {
    this.tags = undefined;
    this.tagChanges++;
  }

  /**
   * Names of the cached images, without CRI's own aliases by digest.
   * What they mean is remembered until {@link tagsChanged}: only for those who are told of every change.
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

  /** Not under the caller's signal: others may wait for the same image. */
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
