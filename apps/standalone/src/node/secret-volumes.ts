import { join, resolve, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, isApiError } from '@fsb/api/errors';
import { type ObjectKey, type Pod, type PodContainer, type Secret, SECRET_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { z } from 'zod';
import { readText, writeFileWhole } from '../state-file';

const secretVolume = z.object({ name: z.string(), secret: z.object({ secretName: z.string() }) });
const KEY = /^[-._a-zA-Z0-9]+$/;
/** A Pod's Secret is made right after it. */
const WAIT_MS = 5_000;
const LOOK_MS = 50;

interface SecretMount {
  readonly secretName: string;
  readonly path: string;
}

/** Secrets as files of their own on the host, at the mount's path: a Pod that is a process has no mounts of its own. */
export class SecretVolumes {
  /** @param root what no mount may lie outside of */
  constructor(
    private readonly client: KubeClient,
    private readonly root: string,
  ) {}

  /** Writes what has changed. @throws ApiError not_found while the Secret is not there; invalid_argument for another path */
  async write(pod: Pod, container: PodContainer): Promise<void> {
    const { namespace = '' } = pod.metadata;
    for (const { secretName, path } of this.mountsOf(pod, container)) {
      const { data = {} } = await this.read({ namespace, name: secretName });
      for (const [key, value] of Object.entries(data)) {
        const file = join(path, key);
        const text = Buffer.from(value, 'base64').toString();
        if (KEY.test(key) && readText(file) !== text) writeFileWhole(file, text, 0o400);
      }
    }
  }

  /** @returns the folders that hold them, or will */
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
