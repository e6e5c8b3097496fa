import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { normaliseImage } from '@fsb/api/image-name';
import { type Logger } from 'pino';
import { z } from 'zod';

const UNUSED_MS = 24 * 60 * 60_000;
/** Removals in one round; each makes containerd walk its whole store. */
const BATCH = 10;
const REMOVE_MS = 60_000;

const objects = z.object({
  items: z.array(
    z.object({
      spec: z
        .object({ image: z.string().optional(), warmImages: z.array(z.object({ image: z.string() })).optional() })
        .optional(),
    }),
  ),
});

/**
 * Images of Sandboxes and warm images of pools. Pure.
 * @param list a SandboxList or SandboxPoolList of the API server
 * @throws ZodError when it is neither
 */
export function namedImages(list: unknown): string[] {
  return objects
    .parse(list)
    .items.flatMap(({ spec }) => [
      ...(spec?.image ? [spec.image] : []),
      ...(spec?.warmImages ?? []).map(({ image }) => image),
    ]);
}

/**
 * One name for each image that no container, Sandbox object or pool has used for a day. One per digest, since CRI
 * removes an image with all of its names. Pure.
 * @param digests digest by name
 * @param lastUsed Unix milliseconds by digest; a digest without an entry counts as used now
 */
export function unusedImages(
  digests: ReadonlyMap<string, string>,
  lastUsed: ReadonlyMap<string, number>,
  now: number,
): string[] {
  const names = new Map([...digests].map(([name, digest]) => [digest, name]));
  return [...names].filter(([digest]) => now - (lastUsed.get(digest) ?? now) > UNUSED_MS).map(([, name]) => name);
}

/**
 * Removes unused images of a private containerd. The time of the last use is kept in memory only: a restart of the
 * supervisor counts as a use of every image, which errs on the side of keeping.
 */
export class ImageCollector {
  static readonly everyMs = 10 * 60_000;
  private readonly lastUsed = new Map<string, number>();

  constructor(
    private readonly socket: string,
    private readonly readApi: (path: string) => Promise<{ status: number; body: string }>,
    private readonly logger: Logger,
  ) {}

  /** @throws when the API server or containerd does not answer; nothing is removed then */
  async collect(): Promise<void> {
    const client = new ContainerdClient(this.socket);
    try {
      const { images } = await client.images.list({ filters: [] });
      const digests = new Map(images.map(({ name, target }) => [name, target?.digest ?? name]));
      this.note(digests, await this.used(client));
      for (const name of unusedImages(digests, this.lastUsed, Date.now()).slice(0, BATCH)) {
        await client.criImages.removeImage({ image: { image: name } }, { deadlineMs: REMOVE_MS });
        this.logger.info({ msg: 'removed an unused image', image: name });
      }
    } finally {
      client.close();
    }
  }

  private note(digests: ReadonlyMap<string, string>, used: readonly string[]): void {
    const now = Date.now();
    const present = new Set(digests.values());
    for (const digest of this.lastUsed.keys()) if (!present.has(digest)) this.lastUsed.delete(digest);
    for (const digest of present) if (!this.lastUsed.has(digest)) this.lastUsed.set(digest, now); // first seen
    for (const name of used) {
      const digest = digests.get(name);
      if (digest !== undefined) this.lastUsed.set(digest, now);
    }
  }

  private async used(client: ContainerdClient): Promise<string[]> {
    const { containers } = await client.containers.list({ filters: [] });
    const specs = [...(await this.specs('sandboxes')), ...(await this.specs('sandboxpools'))];
    return [...containers.map(({ image }) => image), ...specs.map((name) => normaliseImage(name))];
  }

  private async specs(plural: string): Promise<string[]> {
    const { status, body } = await this.readApi(`/apis/sandbox.fast.io/v1alpha1/${plural}`);
    if (status !== 200) throw new Error(`listing ${plural}: ${status}`);
    return namedImages(JSON.parse(body));
  }
}
