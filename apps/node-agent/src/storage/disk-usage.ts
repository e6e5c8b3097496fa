import { closeSync, constants, type Dirent, lstatSync, opendirSync, openSync, type Stats } from 'node:fs';
import { namelessFiles } from './nameless-files';

export interface UsageLimits {
  readonly bytes: number;
  /** files, folders and links */
  readonly entries: number;
}

export interface DiskUsage {
  /** allocated by the file system; a file of several names counts once */
  readonly bytes: number;
  readonly entries: number;
  /** whether there are folders below {@link MAX_DEPTH}, which were not counted */
  readonly tooDeep: boolean;
}

/** Levels of folders. Each holds two open files. */
const MAX_DEPTH = 256;
const FOLDER_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * The disk usage of a folder that a hostile process may write to meanwhile: no link is followed, no path is longer than
 * a name, and the walk ends as soon as a limit is passed. Synchronous, for a thread of its own.
 * @param pids of processes that write there; their unlinked files count too
 */
export function diskUsageOf(folder: string, limits: UsageLimits, pids: readonly number[] = []): DiskUsage {
  const walk = new Walk(limits);
  walk.nameless(pids); // first: they are few, and the walk ends at a limit
  walk.folder(Buffer.from(folder), 0);
  return { bytes: walk.bytes, entries: walk.entries, tooDeep: walk.tooDeep };
}

export function exceeds({ bytes, entries, tooDeep }: DiskUsage, limits: UsageLimits): boolean {
  return tooDeep || bytes > limits.bytes || entries > limits.entries;
}

class Walk {
  bytes = 0;
  entries = 0;
  tooDeep = false;
  /** counted files that have several names, or none */
  private readonly linked = new Set<string>();

  constructor(private readonly limits: UsageLimits) {}

  folder(path: Buffer, depth: number): void {
    if (depth > MAX_DEPTH) {
      this.tooDeep = true;
      return;
    }
    const descriptor = unlessGone(() => openSync(path, FOLDER_FLAGS));
    if (descriptor === undefined) return;
    try {
      this.names(`/proc/self/fd/${descriptor}/`, depth);
    } finally {
      closeSync(descriptor);
    }
  }

  nameless(pids: readonly number[]): void {
    for (const stats of namelessFiles(pids)) {
      this.count(stats);
      if (exceeds(this, this.limits)) return;
    }
  }

  private names(prefix: string, depth: number): void {
    const names = unlessGone(() => opendirSync(prefix, { encoding: 'buffer' as BufferEncoding })); // names need not be UTF-8
    if (!names) return;
    try {
      for (let entry = names.readSync(); entry && !exceeds(this, this.limits); entry = names.readSync()) {
        const path = Buffer.concat([Buffer.from(prefix), (entry as unknown as Dirent<Buffer>).name]);
        const stats = unlessGone(() => lstatSync(path));
        if (!stats) continue;
        this.count(stats);
        if (stats.isDirectory()) this.folder(path, depth + 1);
      }
    } finally {
      names.closeSync();
    }
  }

  private count(stats: Stats): void {
    const isAgain = stats.nlink !== 1 && !stats.isDirectory() && !this.isFirst(stats);
    if (isAgain && stats.nlink === 0) return; // another descriptor of the same file
    this.entries++;
    if (isAgain) return;
    this.bytes += stats.blocks * 512; // stat(2): units of 512 bytes on every file system
  }

  private isFirst({ dev, ino }: Stats): boolean {
    const file = `${dev}:${ino}`;
    if (this.linked.has(file)) return false;
    this.linked.add(file);
    return true;
  }
}

const GONE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

/** @returns undefined where the entry was removed, or replaced by another kind, since its name was read */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (GONE.has((error as NodeJS.ErrnoException).code)) return undefined; // fs throws nothing else
    throw error;
  }
}
