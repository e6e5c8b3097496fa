import { join, resolve, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, isApiError } from '@fsb/api/errors';
import { type ObjectKey, type Pod, type PodContainer, type Secret, SECRET_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { z } from 'zod';
import { readText, writeFileAtomic } from '../state-file';

const secretVolume = z.object({ name: z.string(), secret: z.object({ secretName: z.string() }) });
const KEY = /^[-._a-zA-Z0-9]+$/;
/** Time to wait for a Pod's Secret, which is created right after the Pod. */
const WAIT_MS = 5_000;
const LOOK_MS = 50;

interface SecretMount {
  readonly secretName: string;
  readonly path: string;
}

/** Writes mounted Secrets to files of the host at the mount's path, since a Pod that is a process has no mounts. */
export class SecretVolumes {
  /** @param root folder below which all mounts must be */
  constructor(
    private readonly client: KubeClient,
    private readonly root: string,
  ) {}

  /**
   * Writes the keys that have changed.
   * @throws ApiError not_found when the Secret does not exist after 5 s; invalid_argument for a mount outside of `root`
   */
  async write(pod: Pod, container: PodContainer): Promise<void> {
    const { namespace = '' } = pod.metadata;
    for (const { secretName, path } of this.mountsOf(pod, container)) {
      const { data = {} } = await this.read({ namespace, name: secretName });
      for (const [key, value] of Object.entries(data)) {
        const file = join(path, key);
        const text = Buffer.from(value, 'base64').toString();
        if (KEY.test(key) && readText(file) !== text) writeFileAtomic(file, text, 0o400);
      }
    }
  }

  /** @returns the mount paths, also before they are written */
  folders(pod: Pod, container: PodContainer): string[] {
    return this.mountsOf(pod, container).map(({ path }) => path);
  }

  private async read(key: ObjectKey): Promise<Secret> {
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      try {
        return await this.client.get(SECRET_KIND, key);
      } catch (error) {
        if (!isApiError(error, 'not_found') || performance.now() > deadline) throw error;
      }
      await sleep(LOOK_MS);
    }
  }

  private mountsOf({ spec }: Pod, { volumeMounts = [] }: PodContainer): SecretMount[] {
    return (spec?.volumes ?? []).flatMap((volume) => {
      const { name, secret } = secretVolume.safeParse(volume).data ?? {};
      if (!secret) return [];
      const mounts = volumeMounts.filter((mount) => mount.name === name);
      return mounts.map(({ mountPath }) => ({ secretName: secret.secretName, path: this.below(mountPath) }));
    });
  }

  private below(mountPath: string): string {
    const path = resolve(mountPath);
    if (path.startsWith(`${this.root}${sep}`)) return path;
    throw new ApiError('invalid_argument', `volumeMounts: this node mounts Secrets below ${this.root} only`);
  }
}
