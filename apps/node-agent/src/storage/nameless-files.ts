import { readdirSync, readFileSync, type Stats, statfsSync, statSync } from 'node:fs';

/** statfs(2): tmpfs, ramfs, hugetlbfs. Their files, memfd_create's too, are memory, which the cgroup limits. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x0102_1994, 0x8584_58f6, 0x9584_58f6]);
/**
 * Descriptors checked for one sandbox, in about a second. Files beyond this are noticed by {@link FreeSpaceWatch} only.
 */
const MOST_DESCRIPTORS = 200_000;

/**
 * Files on disk that processes hold and no folder has: unlinked while open or mapped, or made by O_TMPFILE. Yields a
 * file once for each descriptor. Threads may have tables of their own (unshare(2), CLONE_FILES); those of processes
 * come first.
 * @param pids as numbered in this process's /proc
 * @param proc the folder of /proc, for tests
 */
export function* namelessFiles(pids: readonly number[], proc = '/proc'): Generator<Stats> {
  let left = MOST_DESCRIPTORS;
  for (const place of places(pids, proc)) {
    if (left-- === 0) return;
    const stats = statOf(place);
    if (stats?.nlink === 0 && stats.isFile() && isOnDisk(place)) yield stats;
  }
}

function* places(pids: readonly number[], proc: string): Generator<string> {
  for (const pid of pids) {
    yield* descriptors(`${proc}/${pid}/fd`);
    for (const range of deletedMappings(`${proc}/${pid}/maps`)) yield `${proc}/${pid}/map_files/${range}`;
  }
  for (const pid of pids) {
    for (const thread of entries(`${proc}/${pid}/task`)) {
      if (thread !== String(pid)) yield* descriptors(`${proc}/${pid}/task/${thread}/fd`);
    }
  }
}

function* descriptors(folder: string): Generator<string> {
  for (const name of entries(folder)) yield `${folder}/${name}`;
}

/** proc(5): `address perms offset dev inode path`, the path of an unlinked file with ` (deleted)` behind it. */
function* deletedMappings(file: string): Generator<string> {
  const seen = new Set<string>();
  for (const line of textOf(file).split('\n')) {
    if (!line.endsWith(' (deleted)')) continue;
    const [range = '', , , device = '', inode = ''] = line.split(/\s+/);
    const key = `${device}:${inode}`;
    if (seen.has(key)) continue;
    seen.add(key);
    yield range;
  }
}

function isOnDisk(path: string): boolean {
  try {
    return !IN_MEMORY.has(statfsSync(path).type);
  } catch {
    return false; // closed meanwhile
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined; // closed meanwhile, or a socket's peer
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // ended meanwhile
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // ended meanwhile
  }
}
