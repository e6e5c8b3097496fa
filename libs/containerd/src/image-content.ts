import { createHash } from 'node:crypto';
import { ApiError } from '@fsb/api/errors';
import { z } from 'zod';
import { type ContainerdClient } from './containerd-client';
import { isOwnPlatform, ownArchitecture } from './image-platform';

const Descriptor = z.object({ mediaType: z.string().default(''), digest: z.string(), size: z.number() });
export type ContentDescriptor = z.infer<typeof Descriptor>;
const Platform = z.object({
  architecture: z.string().default(''),
  os: z.string().default(''),
  variant: z.string().default(''),
});
const Index = z.object({ manifests: z.array(Descriptor.extend({ platform: Platform.nullish() })) });
const Manifest = z.object({ config: Descriptor, layers: z.array(Descriptor) });
/** A text without NUL, which terminates texts in the launcher's order. */
const text = z.string().refine((value) => !value.includes('\0'), 'contains NUL');
const Config = z.object({
  config: z
    .object({
      Entrypoint: z.array(text).nullish(),
      Cmd: z.array(text).nullish(),
      Env: z.array(text).nullish(),
      WorkingDir: text.nullish(),
      User: text.nullish(),
      StopSignal: text.nullish(),
      Volumes: z.record(text, z.unknown()).nullish(),
    })
    .nullish(),
  architecture: z.string().default(''),
  os: z.string().default(''),
  variant: z.string().default(''),
  rootfs: z.object({ diff_ids: z.array(z.string()) }),
});
export type ConfigDocument = z.infer<typeof Config>;

/** Limit of a manifest or config. They are small; a hostile one must not fill the agent's memory. */
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024;
/** Levels of indexes that refer to indexes. */
const MAX_DEPTH = 4;

export interface ImageDocuments {
  readonly config: ContentDescriptor;
  readonly document: ConfigDocument;
  readonly layers: readonly ContentDescriptor[];
}

/**
 * Reads an image's manifest for this machine's platform, and its config, from containerd's content store.
 * @throws ApiError not_found when no manifest matches; invalid_argument when a document is malformed or over 8 MiB
 */
export async function readImage(
  client: ContainerdClient,
  target: ContentDescriptor,
  signal?: AbortSignal,
): Promise<ImageDocuments> {
  const read = <T>(schema: z.ZodType<T>, descriptor: ContentDescriptor) =>
    readJson(client, descriptor, signal).then((value) => parsed(schema, value, descriptor));
  const found = await findManifest(read, target, 0);
  if (!found) throw new ApiError('not_found', `image: has no manifest for linux/${ownArchitecture()}`);
  return found;
}

type Read = <T>(schema: z.ZodType<T>, descriptor: ContentDescriptor) => Promise<T>;

/**
 * Chooses a manifest as containerd does. A manifest that is the target itself is taken on any platform. Of an index,
 * the first entry of this machine's platform is taken, else an entry without a platform whose config has it.
 */
async function findManifest(read: Read, target: ContentDescriptor, depth: number): Promise<ImageDocuments | undefined> {
  const either = await read(z.union([Index, Manifest]), target);
  if (!('manifests' in either)) return documentsOf(read, either);
  if (depth === MAX_DEPTH) return undefined;
  const matching = either.manifests.filter(({ platform }) => platform && isOwnPlatform(platform));
  const unnamed = either.manifests.filter(({ platform }) => !platform);
  for (const entry of [...matching, ...unnamed]) {
    const found = await findManifest(read, entry, depth + 1);
    if (found && (entry.platform || isOwnPlatform(found.document))) return found;
  }
  return undefined;
}

async function documentsOf(read: Read, { config, layers }: z.infer<typeof Manifest>): Promise<ImageDocuments> {
  return { config, document: await read(Config, config), layers };
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, { digest }: ContentDescriptor): T {
  const { data, success, error } = schema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  throw new ApiError('invalid_argument', `image: its document ${digest} is malformed: ${issue?.path.join('.') ?? ''}`);
}

/** OCI chain ids of an image's layers: the n-th is the key of containerd's snapshot of the first n layers. */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const parent = chain.at(-1);
    chain.push(parent === undefined ? diffId : `sha256:${sha256(`${parent} ${diffId}`)}`);
  }
  return chain;
}

/** The chain ids of an image, by its config's digest. */
export async function chainIdsOfConfig(client: ContainerdClient, digest: string): Promise<string[]> {
  const { info } = await client.content.info({ digest });
  const descriptor = { mediaType: '', digest, size: info?.size ?? 0 };
  return chainIds(parsed(Config, await readJson(client, descriptor), descriptor).rootfs.diff_ids);
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
