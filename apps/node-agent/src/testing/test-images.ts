import { execFileSync } from 'node:child_process';
import { createReadStream, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { dirname, join, resolve } from 'node:path';

export const CACHE = resolve(__dirname, '../../../../.cache');

export interface HostileImage {
  /** full name */
  readonly name: string;
  /** path in the image to what a link points to */
  readonly links: Readonly<Record<string, string>>;
  /** path in the image to a program of this machine */
  readonly programs?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workingDir?: string;
}

/** Makes an image of busybox and links, as an OCI archive at `out`. */
export function buildLinkedImage(image: HostileImage, out: string): void {
  const { name, links, programs = {}, user, workingDir } = image;
  const folder = mkdtempSync('/var/tmp/fsb-image-');
  const run = (command: string, ...args: string[]): void => {
    execFileSync(command, args, { cwd: folder, stdio: 'ignore' });
  };
  try {
    mkdirSync(join(folder, 'rootfs/bin'), { recursive: true });
    for (const name of ['etc', 'tmp']) mkdirSync(join(folder, 'rootfs', name));
    run('cp', '/bin/busybox', 'rootfs/bin/busybox');
    for (const applet of ['sh', 'cat', 'pwd', 'sleep', 'id'])
      symlinkSync('busybox', join(folder, 'rootfs/bin', applet));
    writeFileSync(join(folder, 'rootfs/etc/real-passwd'), 'inside:x:1234:1234::/:/bin/sh\n');
    for (const [path, target] of Object.entries(links)) {
      mkdirSync(dirname(join(folder, 'rootfs', path)), { recursive: true });
      symlinkSync(target, join(folder, 'rootfs', path));
    }
    for (const [path, program] of Object.entries(programs)) {
      mkdirSync(dirname(join(folder, 'rootfs', path)), { recursive: true });
      run('cp', '--dereference', program, join('rootfs', path));
    }
    run('umoci', 'init', '--layout', 'oci');
    run('umoci', 'new', '--image', 'oci:latest');
    run('umoci', 'insert', '--image', 'oci:latest', 'rootfs', '/');
    const config = ['--config.env', 'PATH=/bin', '--config.user', user ?? '', '--config.workingdir', workingDir ?? ''];
    run('umoci', 'config', '--image', 'oci:latest', ...config);
    run('skopeo', 'copy', '--insecure-policy', 'oci:oci:latest', `oci-archive:${out}:${name}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A program of this machine with the libraries that it loads, for an image's `programs`. */
export function withLibraries(program: string): Record<string, string> {
  const libraries = execFileSync('ldd', [program], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  return Object.fromEntries([program, ...libraries].map((path) => [path, path]));
}

interface Descriptor {
  readonly digest: string;
  readonly mediaType: string;
}

/** A registry on 127.0.0.1 that serves busybox under every name, with a password; it can hold its answers back. */
export class TestRegistry {
  readonly requests: string[] = [];
  private readonly waiting: (() => void)[] = [];
  private held = false;

  private constructor(
    private readonly server: Server,
    readonly host: string,
    private readonly layout: string,
  ) {}

  static async start(): Promise<TestRegistry> {
    const layout = mkdtempSync('/var/tmp/fsb-registry-');
    execFileSync('skopeo', [
      'copy',
      '--insecure-policy',
      `oci-archive:${join(CACHE, 'busybox.tar')}`,
      `oci:${layout}:latest`,
    ]);
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const registry = new TestRegistry(server, `127.0.0.1:${port}`, layout);
    server.on('request', (request, response) => {
      registry.answer(request, response);
    });
    return registry;
  }

  hold(): void {
    this.held = true;
  }

  release(): void {
    this.held = false;
    for (const go of this.waiting.splice(0)) go();
  }

  stop(): void {
    this.release();
    this.server.close();
    this.server.closeAllConnections();
    rmSync(this.layout, { recursive: true, force: true });
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const expected = `Basic ${Buffer.from('me:pw').toString('base64')}`;
    if (request.headers.authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
      return;
    }
    const url = request.url ?? '';
    this.requests.push(`${request.method ?? ''} ${url}`);
    const index = JSON.parse(readFileSync(join(this.layout, 'index.json'), 'utf8')) as { manifests: Descriptor[] };
    const manifest = index.manifests[0];
    const digest = url.includes('/manifests/') ? manifest?.digest : url.split('/blobs/')[1];
    if (url === '/v2/' || digest === undefined) {
      response.writeHead(200).end();
      return;
    }
    const file = join(this.layout, 'blobs', digest.replace(':', '/'));
    const type = digest === manifest?.digest ? manifest.mediaType : 'application/octet-stream';
    response.writeHead(200, {
      ...{ 'content-type': type, 'docker-content-digest': digest },
      'content-length': readFileSync(file).length,
    });
    const send = (): void => {
      if (request.method === 'HEAD') response.end();
      else createReadStream(file).pipe(response);
    };
    if (this.held) this.waiting.push(send);
    else send();
  }
}
