import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, isApiError, messageOf } from '@fsb/api/errors';
import { normaliseImage } from '@fsb/api/image-name';
import { type ContainerdClient } from './containerd-client';
import { chainIds, readImage } from './image-content';
import { type ImageInfo, type ImageStore, type RegistryAuth } from './image-store';
import { PullActivities, unpackedBytes } from './pull-activities';
import { type PullActivity, type PullLimits, PullWatch, tooLarge } from './pull-limits';
import { collectInBackground, PulledImages } from './pulled-images';

export interface PullOptions {
  readonly auth: RegistryAuth | undefined;
  readonly limits: PullLimits;
  readonly onActivity?: (activity: PullActivity) => void;
}

const PULL_DEADLINE_MS = 10 * 60_000;
const LOOK_EVERY_MS = 500;
/** Pause between looks, as a multiple of a look's duration: a look walks what is being unpacked. */
const LOOK_SHARE = 10;

/** Pulls images through CRI's image service on containerd's socket, and watches the progress in containerd's stores. */
export class ImagePuller {
  constructor(
    private readonly client: ContainerdClient,
    private readonly store: ImageStore,
  ) {}

  /**
   * Pulls an image. Nothing is left of a pull that exceeded its limits.
   * @throws ApiError not_found when the image cannot be pulled or makes no progress for too long; failed_precondition
   * when it is too large
   */
  async pull(reference: string, options: PullOptions): Promise<ImageInfo> {
    const name = normaliseImage(reference);
    const before = await PulledImages.now(this.client);
    const limits = new AbortController();
    const watching = this.watch(name, options, limits);
    try {
      await this.ask(name, options, limits.signal);
    } finally {
      limits.abort();
      await watching;
    }
    this.store.tagsChanged(); // the image event may arrive later
    const target = await this.store.targetOf(name);
    if (!target) throw new ApiError('not_found', `image: ${name} was pulled and removed again`);
    if (!before.had(target.digest)) {
      const { document } = await readImage(this.client, target);
      const bytes = await unpackedBytes(this.client, chainIds(document.rootfs.diff_ids));
      if (bytes > options.limits.maxBytes) {
        await before.takeBack(target.digest);
        throw tooLarge(name, options.limits.maxBytes);
      }
    }
    const image = await this.store.resolve(name);
    if (!image) throw new ApiError('not_found', `image: ${name} was pulled and removed again`);
    return image;
  }

  private async ask(name: string, { auth }: PullOptions, signal: AbortSignal): Promise<void> {
    const request = {
      image: { image: name },
      auth: auth && { username: auth.username, password: auth.password, auth: '', serverAddress: '' },
    };
    try {
      await this.client.criImages.pullImage(request, { signal, deadlineMs: PULL_DEADLINE_MS });
    } catch (error) {
      if (signal.aborted) {
        void collectInBackground(this.client).catch(() => undefined); // containerd collects by itself, but later
        throw signal.reason as Error; // set by watch()
      }
      const hint = isApiError(error, 'unimplemented') ? "the node's containerd has CRI switched off" : messageOf(error);
      throw new ApiError('not_found', `image: ${name} is not in the node's cache and cannot be pulled: ${hint}`);
    }
  }

  /** Watches a pull until `limits` aborts, and aborts it itself when the pull exceeds a limit. */
  private async watch(name: string, { limits: most, onActivity }: PullOptions, limits: AbortController): Promise<void> {
    const { signal } = limits;
    const activities = new PullActivities(this.client, name);
    const watch = new PullWatch(name, most, performance.now());
    let pauseMs = LOOK_EVERY_MS;
    while (await hasPassed(pauseMs, signal)) {
      const started = performance.now();
      const activity = await activities.look().catch(() => undefined); // containerd is down: the pull itself fails
      pauseMs = Math.max(LOOK_EVERY_MS, LOOK_SHARE * (performance.now() - started));
      if (!activity) continue;
      onActivity?.(activity);
      const reason = watch.update(activity, performance.now());
      if (reason) limits.abort(reason);
    }
  }
}

/** Waits. @returns false if `signal` aborts before */
async function hasPassed(ms: number, signal: AbortSignal): Promise<boolean> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}
