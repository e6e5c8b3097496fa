import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { type TarEntry, tar } from './tar';

export interface ArchiveConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
  readonly User?: string;
  readonly StopSignal?: string;
  readonly Volumes?: Readonly<Record<string, object>>;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform | undefined;
}

const OCI = 'application/vnd.oci.image';
const BUSYBOX = '/bin/busybox';
const APPLETS = [
  ...['sh', 'cat', 'ls', 'pwd', 'echo', 'id', 'env', 'grep', 'sleep', 'true', 'touch', 'mkdir', 'wc', 'hostname'],
  ...['stat', 'readlink', 'head', 'sort', 'sed', 'test', 'cut', 'tr', 'find', 'which'],
];
const PASSWD = 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n';
const GROUP = 'root:x:0:\napp:x:1000:\nextra:x:2000:app\nthird:x:3000:app\n';

export const dir = (path: string, mode = 0o755, uid = 0, gid = 0): TarEntry => ({ kind: 'dir', path, mode, uid, gid });
export const file = (path: string, content: string | Buffer = '', mode = 0o644, uid = 0, gid = 0): TarEntry => ({
  ...{ kind: 'file', path, mode, uid, gid },
  content: Buffer.from(content),
});
export const script = (path: string, body: string): TarEntry => file(path, `#!/bin/sh\n${body}\n`, 0o755);
export const link = (path: string, target: string): TarEntry => ({ kind: 'link', path, target });
/** Hides the entry of that name in lower layers. */
export const whiteout = (path: string): TarEntry => file(path.replace(/([^/]*)$/, '.wh.$1'));
/** Hides all entries of a folder in lower layers. */
export const opaque = (folder: string): TarEntry => file(`${folder}/.wh..wh..opq`);
/** Busybox with file capabilities, permitted and effective: the bits of capabilities(7). */
export const capable = (path: string, ...capabilities: number[]): TarEntry => {
  const mask = capabilities.reduce((all, bit) => all | (1 << bit), 0);
  const value = Buffer.alloc(20); // struct vfs_cap_data, VFS_CAP_REVISION_2 with the effective bit
  value.writeUInt32LE(0x0200_0001, 0);
  value.writeUInt32LE(mask, 4);
  return { ...busybox(path), xattrs: { 'security.capability': value } };
};
export const busybox = (path: string, mode = 0o755): TarEntry => file(path, readFileSync(BUSYBOX), mode);

/** A root with busybox, two users and their groups. @param etc false: without /etc */
export function base({ bin = 'bin', etc = true }: { bin?: string; etc?: boolean } = {}): TarEntry[] {
  return [
    ...[dir(bin), busybox(`${bin}/busybox`), ...APPLETS.map((applet) => link(`${bin}/${applet}`, 'busybox'))],
    ...[dir('tmp', 0o1777), dir('root', 0o700), dir('home'), dir('home/app', 0o755, 1000, 1000)],
    ...(etc ? [dir('etc'), file('etc/passwd', PASSWD), file('etc/group', GROUP)] : []),
  ];
}

/** An OCI image layout in one tar, with images made entry by entry, which no build tool would make. */
export class ImageArchive {
  private readonly blobs = new Map<string, Buffer>();
  private readonly named: object[] = [];

  /** Adds an image and its name. @param layers the lowest first */
  add(name: string, layers: readonly (readonly TarEntry[])[], config: ArchiveConfig = {}): Descriptor {
    const descriptor = this.manifest(layers, config);
    this.name(name, descriptor);
    return descriptor;
  }

  name(name: string, descriptor: Descriptor): void {
    const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name };
    this.named.push({ ...descriptor, annotations });
  }

  manifest(
    layers: readonly (readonly TarEntry[])[],
    config: ArchiveConfig = {},
    platform: Platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch },
  ): Descriptor {
    const tars = layers.map((entries) => tar(entries));
    const digests = tars.map((layer) => ({
      ...{ mediaType: `${OCI}.layer.v1.tar+gzip`, ...this.put(gzipSync(layer, { level: 1 })) },
    }));
    const diffIds = tars.map(digestOf);
    const document = { ...platform, config, rootfs: { type: 'layers', diff_ids: diffIds } };
    const described = { mediaType: `${OCI}.config.v1+json`, ...this.put(document) };
    const mediaType = `${OCI}.manifest.v1+json`;
    return { mediaType, ...this.put({ schemaVersion: 2, mediaType, config: described, layers: digests }) };
  }

  index(manifests: readonly Descriptor[]): Descriptor {
    const mediaType = `${OCI}.index.v1+json`;
    return { mediaType, ...this.put({ schemaVersion: 2, mediaType, manifests }) };
  }

  blob(digest: string): Buffer | undefined {
    return this.blobs.get(digest);
  }

  write(out: string): void {
    const index = JSON.stringify({ schemaVersion: 2, manifests: this.named });
    const blobs = [...this.blobs].map(([digest, content]) => file(`blobs/${digest.replace(':', '/')}`, content));
    writeFileSync(
      out,
      tar([file('oci-layout', '{"imageLayoutVersion":"1.0.0"}'), file('index.json', index), ...blobs]),
    );
  }

  private put(content: object): { digest: string; size: number } {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return { digest, size: bytes.length };
  }
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
