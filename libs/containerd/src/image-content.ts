import { createHash } from 'node:crypto';
import { ApiError } from '@fsb/api/errors';
import { z } from 'zod';
import { type ContainerdClient } from './containerd-client';

const Descriptor = z.object({ mediaType: z.string().default(''), digest: z.string(), size: z.number() });
export type ContentDescriptor = z.infer<typeof Descriptor>;
const Index = z.object({
  manifests: z.array(
    Descriptor.extend({ platform: z.object({ architecture: z.string(), os: z.string() }).optional() }),
  ),
});
const Manifest = z.object({ config: Descriptor, layers: z.array(Descriptor) });
const Config = z.object({
  config: z
    .object({
      Entrypoint: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
      Env: z.array(z.string()).nullish(),
      WorkingDir: z.string().nullish(),
      User: z.string().nullish(),
      StopSignal: z.string().nullish(),
    })
    .nullish(),
  rootfs: z.object({ diff_ids: z.array(z.string()) }),
});
export type ConfigDocument = z.infer<typeof Config>;

/** Manifests and configs are small; a hostile one must not fill the agent's memory. */
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024;
const GO_ARCH: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

export interface ImageDocuments {
  readonly config: ContentDescriptor;
  readonly document: ConfigDocument;
  readonly layers: readonly ContentDescriptor[];
}

/** Reads an image's manifest (of this machine's platform) and config from containerd's content store. */
export async function readImage(
  client: ContainerdClient,
  target: ContentDescriptor,
  signal?: AbortSignal,
): Promise<ImageDocuments> {
  const first = await readJson(client, target, signal);
  const index = Index.safeParse(first);
  const manifest = Manifest.parse(index.success ? await readJson(client, platformOf(index.data), signal) : first);
  const document = Config.parse(await readJson(client, manifest.config, signal));
  return { config: manifest.config, document, layers: manifest.layers };
}

/** The id that containerd gives the snapshot of the first n layers: OCI's chain id. */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const parent = chain.at(-1);
    chain.push(parent === undefined ? diffId : `sha256:${sha256(`${parent} ${diffId}`)}`);
  }
  return chain;
}

function platformOf({ manifests }: z.infer<typeof Index>): ContentDescriptor {
  const architecture = GO_ARCH[process.arch] ?? process.arch;
  const match = manifests.find(({ platform }) => platform?.os === 'linux' && platform.architecture === architecture);
  const found = match ?? (manifests.length === 1 ? manifests[0] : undefined);
  if (!found) throw new ApiError('not_found', `image: has no manifest for linux/${architecture}`);
  return found;
}

async function readJson(
  client: ContainerdClient,
  { digest, size }: ContentDescriptor,
  signal?: AbortSignal,
): Promise<unknown> {
  if (size > MAX_DOCUMENT_BYTES) throw new ApiError('invalid_argument', `image: document ${digest} is over 8 MiB`);
  const chunks: Buffer[] = [];
  const request = { digest, offset: 0, size: 0 };
  for await (const { data } of client.stream(() => client.contentStreams.read(request), signal)) chunks.push(data);
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
