import { Logger } from '@nestjs/common';
import { ApiError, messageOf } from '@fsb/api/errors';
import { type ImagePullPolicy } from '@fsb/api/sandbox';
import { type ImagePuller } from '@fsb/containerd/image-puller';
import { type ImageInfo, type ImageStore } from '@fsb/containerd/image-store';
import { type PullActivity, type PullLimits } from '@fsb/containerd/pull-limits';
import { type ImageRequester, type ImageAccess } from './image-access';
import { type PullSeats } from './pull-seats';
import { type RegistryGuard } from './registry-guard';

/** A create's request for an image. */
export interface WantedImage extends ImageRequester {
  /** normalised */
  readonly image: string;
  readonly policy: ImagePullPolicy;
}

export interface PullParts {
  readonly store: ImageStore;
  readonly puller: ImagePuller;
  readonly access: ImageAccess;
  readonly registries: RegistryGuard;
  readonly seats: PullSeats;
  readonly limits: PullLimits;
  /** whether this agent pulls at all */
  readonly allowed: boolean;
}

const LOG_EVERY_MS = 2000;

/**
 * Gets images for creates, from the node or by a pull. Creates of one image, credentials and namespace share a pull.
 */
export class ImagePulls {
  private readonly logger = new Logger(ImagePulls.name);
  private readonly running = new Map<string, Promise<ImageInfo>>();

  constructor(private readonly parts: PullParts) {}

  /**
   * Resolves with the image. A pull has its own deadline, and continues for the next create when all callers have left.
   * @throws ApiError not_found (image:, imagePullPolicy:); unavailable when too much is being pulled; deadline_exceeded when
   * `signal` aborts
   */
  async obtain(wanted: WantedImage, signal: AbortSignal): Promise<ImageInfo> {
    const { image, policy } = wanted;
    const { store, access, allowed } = this.parts;
    const cached = policy === 'Always' ? undefined : await store.resolve(image);
    if (cached && (await access.allows(cached, wanted))) return cached;
    if (policy === 'Never' || !allowed) throw new ApiError('not_found', notPulled(wanted, cached !== undefined));
    return raceAbort(this.pull(wanted), signal, image);
  }

  /** Drops what is cached of an image whose snapshot is gone. */
  forget(image: ImageInfo): void {
    this.parts.store.forget(image);
  }

  private pull(wanted: WantedImage): Promise<ImageInfo> {
    const { image, auth, namespace } = wanted;
    const key = JSON.stringify([image, auth?.username, auth?.password, namespace]);
    const before = this.running.get(key);
    if (before) return before;
    const pull = this.parts.seats
      .during(namespace, image, () => this.pullAndLog(wanted))
      .finally(() => this.running.delete(key));
    pull.catch(() => undefined); // its callers get the error; all may have left
    this.running.set(key, pull);
    return pull;
  }

  private async pullAndLog(wanted: WantedImage): Promise<ImageInfo> {
    const { image, auth } = wanted;
    const { registries, puller, access, limits } = this.parts;
    await registries.requireReachable(image);
    const started = performance.now();
    let loggedAt = started;
    const onActivity = ({ fetchedBytes, unpackedBytes }: PullActivity): void => {
      if (performance.now() - loggedAt < LOG_EVERY_MS) return;
      loggedAt = performance.now();
      this.logger.log({ msg: 'pulling', image, fetchedBytes, unpackedBytes });
    };
    this.logger.log({ msg: 'pull begins', image, credentials: auth !== undefined });
    try {
      const info = await puller.pull(image, { auth, limits, onActivity });
      await access.pulled(info, wanted);
      this.logger.log({ msg: 'pulled', image, ms: Math.round(performance.now() - started) });
      return info;
    } catch (error) {
      this.logger.warn({ msg: 'pull failed', image, error: messageOf(error) });
      throw error;
    }
  }
}

/** Contains the kubelet's reason, ErrImageNeverPull, for clients that match it. */
function notPulled({ image, policy }: WantedImage, isCached: boolean): string {
  const what = isCached
    ? 'is there, and nobody here has shown the credentials to pull it'
    : "is not in the node's cache";
  if (policy === 'Never') return `imagePullPolicy: Never, and ${image} ${what} (ErrImageNeverPull)`;
  const why = 'this agent pulls nothing (--pull)';
  return policy === 'Always' ? `imagePullPolicy: Always, and ${why}` : `image: ${image} ${what}, and ${why}`;
}

/** @throws ApiError deadline_exceeded when `signal` aborts first */
async function raceAbort<T>(work: Promise<T>, signal: AbortSignal, image: string): Promise<T> {
  let leave: (() => void) | undefined;
  const left = new Promise<never>((_, reject) => {
    leave = (): void => {
      reject(new ApiError('deadline_exceeded', `image: ${image} was still being pulled when the caller left`));
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([work, left]);
  } finally {
    if (leave) signal.removeEventListener('abort', leave);
  }
}
