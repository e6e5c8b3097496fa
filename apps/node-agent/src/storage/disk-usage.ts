import { closeSync, constants, type Dirent, lstatSync, opendirSync, openSync, type Stats } from 'node:fs';
import { namelessFiles } from './nameless-files';

export interface UsageLimits {
  readonly bytes: number;
  /** files, folders and links */
  readonly entries: number;
}

export interface Usage {
  /** that the file system has given out for it; a file of several names counts once */
  readonly bytes: number;
  readonly entries: number;
  /** deeper than {@link MAX_DEPTH}: what lies there was not counted */
  readonly tooDeep: boolean;
}

/** Each level holds two open files. */
const MAX_DEPTH = 256;
const FOLDER_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * What lies below a folder that somebody hostile writes to meanwhile: no link is followed, no path is ever longer than a
 * name, and the walk ends as soon as a limit is passed. Synchronous: not for a thread that has anything else to do.
 * @param pids of the processes that write there: their files without a name count too
 */
export function usageOf(folder: string, limits: UsageLimits, pids: readonly number[] = []): Usage {
  const walk = new Walk(limits);
  walk.nameless(pids); // first: there are few, and a walk that passes a limit ends
  walk.folder(Buffer.from(folder), 0);
  return { bytes: walk.bytes, entries: walk.entries, tooDeep: walk.tooDeep };
}

export function exceeds({ bytes, entries, tooDeep }: Usage, limits: UsageLimits): boolean {
  return tooDeep || bytes > limits.bytes || entries > limits.entries;
}

class Walk {
  bytes = 0;
  entries = 0;
  tooDeep = false;
  /** files of several names, or of none, that were counted */
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
    if (isAgain && stats.nlink === 0) return; // another descriptor of it
    this.entries++;
    if (isAgain) return;
    this.bytes += stats.blocks * 512; // stat(2): of 512 bytes, whatever the file system's are
  }

  private isFirst({ dev, ino }: Stats): boolean {
    const file = `${dev}:${ino}`;
    if (this.linked.has(file)) return false;
    this.linked.add(file);
    return true;
  }
}

const GONE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

/** Whatever is removed, or made another kind of thing, between its name and the look at it. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (GONE.has((error as NodeJS.ErrnoException).code)) return undefined; // fs throws nothing else
    throw error;
  }
}
