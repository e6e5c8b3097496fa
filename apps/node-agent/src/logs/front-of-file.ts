import { execFile } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '@fsb/api/errors';

const run = promisify(execFile);
const PUNCH_MS = 10_000;
/** Space is freed in whole blocks: the largest usual one of ext4, xfs, btrfs and tmpfs. */
const BLOCK_BYTES = 4096;

/**
 * Frees the space of a file's first bytes (punches a hole). The file keeps its size and later bytes their offsets, so
 * that a process that appends meanwhile is not affected.
 * @param bytes rounded down to whole blocks
 * @throws Error where the file system does not support it
 */
export async function freeFront(path: string, bytes: number): Promise<void> {
  const length = bytes - (bytes % BLOCK_BYTES);
  if (length === 0) return;
  await run('fallocate', ['--punch-hole', '--offset', '0', '--length', String(length), path], { timeout: PUNCH_MS });
}

/** Makes the folder where it is missing. @throws Error where {@link freeFront} does not work in it */
export async function requireFreeFront(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `.free-front-${process.pid}`);
  await using file = await open(path, 'w', 0o600);
  await rm(path); // the open descriptor is enough, and a crash leaves nothing behind
  try {
    await file.write(Buffer.alloc(2 * BLOCK_BYTES, 'x'));
    await freeFront(`/proc/${process.pid}/fd/${file.fd}`, BLOCK_BYTES);
  } catch (error) {
    const why = `its file system cannot free the beginning of a file (${messageOf(error).replace(/\s+/g, ' ').trim()})`;
    throw new Error(`--log-dir ${folder}: ${why}; use ext4, xfs, btrfs or tmpfs`, { cause: error });
  }
}
