import { constants, type Stats } from 'node:fs';
import { lstat, open, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError } from '@fsb/api/errors';

/** ELOOP, as the kernel counts */
const MAX_LINKS = 40;
const MAX_FILE_BYTES = 1024 * 1024;
/** of paths, and of texts no longer than that, for each image */
const MAX_REMEMBERED = 256;
const MAX_REMEMBERED_TEXT = 16 * 1024;

export interface RootEntry {
  /** on the host */
  readonly hostPath: string;
  readonly stats: Stats;
}

/**
 * The files of an image, read from its layers' folders without a mount. The image is hostile: a path is resolved component
 * by component, a link only ever inside the root, and nothing but a regular file is opened. See docs/adr/0009.
 */
export class RootFiles {
  // layers never change, and every create asks for the same few paths: 2 ms of each
  private readonly entries = new Map<string, Promise<RootEntry | undefined>>();
  private readonly texts = new Map<string, string | undefined>();

  /** @param layers folders on the host, the topmost first, as in overlayfs' lowerdir */
  constructor(private readonly layers: readonly string[]) {}

  /** @returns the entry behind `path`, links followed; undefined where there is none. */
  stat(path: string): Promise<RootEntry | undefined> {
    const known = this.entries.get(path);
    if (known) return known;
    const entry = this.find(path);
    remember(this.entries, path, entry);
    entry.catch(() => this.entries.delete(path));
    return entry;
  }

  private async find(path: string): Promise<RootEntry | undefined> {
    let pending = split(path);
    for (let links = 0; links <= MAX_LINKS; links++) {
      const found = await this.walk(pending);
      if (!found || 'hostPath' in found) return found;
      pending = split(found.restartAt);
    }
    return undefined;
  }

  /** Down to the entry, or to the first link on the way: then where to go on from the root. */
  private async walk(names: readonly string[]): Promise<RootEntry | { restartAt: string } | undefined> {
    let folders = [...this.layers];
    let entry = await top(folders);
    for (const [i, name] of names.entries()) {
      const found = await this.step(folders, name);
      if (!found) return undefined;
      if (found.entry.stats.isSymbolicLink()) {
        const target = await readlink(found.entry.hostPath);
        const base = target.startsWith('/') ? [] : names.slice(0, i);
        return { restartAt: join('/', ...base, target, ...names.slice(i + 1)) };
      }
      ({ folders, entry } = found);
    }
    return entry;
  }

  /**
   * @returns the text of a regular file, or undefined where there is none
   * @throws ApiError invalid_argument for a file over 1 MiB
   */
  async readFile(path: string): Promise<string | undefined> {
    if (this.texts.has(path)) return this.texts.get(path);
    const text = await this.read(path);
    if ((text?.length ?? 0) <= MAX_REMEMBERED_TEXT) remember(this.texts, path, text);
    return text;
  }

  private async read(path: string): Promise<string | undefined> {
    const entry = await this.stat(path);
    if (!entry?.stats.isFile()) return undefined;
    if (entry.stats.size > MAX_FILE_BYTES)
      throw new ApiError('invalid_argument', `image: ${path} is larger than 1 MiB`);
    const file = await open(entry.hostPath, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  }

  /** One name below a merged folder: the topmost layer that has it wins, a whiteout hides what lies lower. */
  private async step(
    folders: readonly string[],
    name: string,
  ): Promise<{ entry: RootEntry; folders: string[] } | undefined> {
    let entry: RootEntry | undefined;
    const below: string[] = [];
    for (const folder of folders) {
      const hostPath = join(folder, name);
      const stats = await lstat(hostPath).catch(() => undefined);
      if (!stats) continue;
      if (isWhiteout(stats)) break;
      if (entry && !stats.isDirectory()) break;
      entry ??= { hostPath, stats };
      if (!stats.isDirectory()) break;
      below.push(hostPath);
    }
    return entry && { entry, folders: below };
  }
}

/** The oldest is forgotten for it. */
function remember<T>(known: Map<string, T>, path: string, value: T): void {
  if (known.size >= MAX_REMEMBERED) known.delete(known.keys().next().value ?? '');
  known.set(path, value);
}

/** overlayfs marks a removed name with a character device 0:0. */
function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

async function top(folders: readonly string[]): Promise<RootEntry | undefined> {
  const [hostPath] = folders;
  return hostPath === undefined ? undefined : { hostPath, stats: await lstat(hostPath) };
}

/** Components of a path below the root; `..` cannot leave it. A NUL would end the path early. */
function split(path: string): string[] {
  return join('/', path.replaceAll('\0', '')).split('/').filter(Boolean);
}
