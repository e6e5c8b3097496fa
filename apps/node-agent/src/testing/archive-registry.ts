import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Descriptor, type ImageArchive } from './image-archive';

/** How a layer is sent: `never` stops after one piece, `slow` sends one piece a second, `endless` does not end. */
export type SendPace = 'never' | 'slow' | 'endless';
const PIECES = 7;
const PIECE_MS = 1_000;
const ENDLESS_BYTES = 1024 * 1024;

/** A registry on loopback that serves an archive's images under names that a test chooses, some with a password. */
export class ArchiveRegistry {
  /** `METHOD path` of each authorised request */
  readonly requests: string[] = [];
  private readonly tags = new Map<string, Descriptor>();
  private readonly passwords = new Map<string, string>();
  private readonly silent = new Set<string>();
  private readonly paces = new Map<string, SendPace>();

  private constructor(
    private readonly archive: ImageArchive,
    private readonly server: Server,
  ) {}

  static async start(archive: ImageArchive, address = '127.0.0.1'): Promise<ArchiveRegistry> {
    const server = createServer().listen(0, address);
    await once(server, 'listening');
    const registry = new ArchiveRegistry(archive, server);
    server.on('request', (request, response) => {
      registry.answer(request, response);
    });
    return registry;
  }

  get host(): string {
    const { address, port } = this.server.address() as AddressInfo;
    return `${address}:${port}`;
  }

  /** @returns the image's full name */
  tag(repository: string, tag: string, descriptor: Descriptor): string {
    this.tags.set(`${repository}:${tag}`, descriptor);
    return `${this.host}/${repository}:${tag}`;
  }

  /** From now on the repository requires user `me` and one of the passwords. */
  protect(repository: string, ...passwords: readonly string[]): void {
    this.passwords.set(repository, passwords.join('\n'));
  }

  /** From now on requests for the repository get no answer. */
  silence(repository: string): void {
    this.silent.add(repository);
  }

  /** From now on the blob is sent to every caller at this pace. */
  pace(digest: string, pace: SendPace): void {
    this.paces.set(digest, pace);
  }

  asked(repository: string): string[] {
    return this.requests.filter((line) => line.includes(`/v2/${repository}/`));
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private answer({ url = '', method = '', headers }: IncomingMessage, response: ServerResponse): void {
    const [repository, reference] = named(url);
    if (!this.mayRead(repository, headers.authorization)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
      return;
    }
    this.requests.push(`${method} ${url}`);
    if (this.silent.has(repository)) return;
    const digest = this.tags.get(`${repository}:${reference}`)?.digest ?? reference;
    this.send(response, digest, { method, isBlob: url.includes('/blobs/') });
  }

  private send(response: ServerResponse, digest: string, what: { method: string; isBlob: boolean }): void {
    const content = this.archive.blob(digest);
    response.writeHead(digest === '' || content ? 200 : 404, {
      'content-type': what.isBlob ? 'application/octet-stream' : this.mediaTypeOf(digest),
      'docker-content-digest': digest,
      ...(this.paces.get(digest) === 'endless' ? {} : { 'content-length': content?.length ?? 0 }),
    });
    const pace = this.paces.get(digest);
    if (what.method === 'HEAD') response.end();
    else if (pace && content) void send(response, content, pace);
    else response.end(content);
  }

  private mayRead(repository: string, authorization = ''): boolean {
    const passwords = this.passwords.get(repository)?.split('\n');
    const shown = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();
    return passwords?.some((password) => shown === `me:${password}`) ?? true;
  }

  private mediaTypeOf(digest: string): string {
    const known = [...this.tags.values()].find((descriptor) => descriptor.digest === digest);
    return known?.mediaType ?? 'application/vnd.oci.image.manifest.v1+json';
  }
}

/** Repository, and tag or digest, of a path; both empty for /v2/ itself. */
function named(url: string): [string, string] {
  const [, repository = '', reference = ''] = /^\/v2\/(.+)\/(?:manifests|blobs)\/([^?]+)/.exec(url) ?? [];
  return [repository, reference];
}

async function send(response: ServerResponse, content: Buffer, pace: SendPace): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => {
    gone.abort();
  });
  const piece = Math.ceil(content.length / PIECES);
  if (pace === 'never') response.write(content.subarray(0, piece));
  if (pace === 'endless') response.write(content);
  while (pace === 'endless' && !gone.signal.aborted) {
    if (response.write(Buffer.alloc(ENDLESS_BYTES))) continue;
    await once(response, 'drain', { signal: gone.signal }).catch(() => undefined);
  }
  for (let at = 0; pace === 'slow' && at < content.length; at += piece) {
    response.write(content.subarray(at, at + piece));
    await sleep(PIECE_MS);
  }
  if (pace === 'slow') response.end();
}
