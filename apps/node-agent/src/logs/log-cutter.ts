import { execFile } from 'node:child_process';
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Logger } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';

const run = promisify(execFile);
const CHUNK_BYTES = 256 * 1024;
const CUT_MS = 10_000;
/** A process that writes as fast as this copies must not hold the agent: 16 MiB, then it loses lines. */
const MAX_ROUNDS = 64;

/** What can be cut off a file's front is a multiple of this: ext4's and xfs' largest usual block. */
export const BLOCK_BYTES = 4096;

/**
 * Takes bytes from the front of a file that somebody appends to. On ext4 and xfs the front is collapsed in one step of the
 * file system: nothing is ever lost. Elsewhere the whole file is copied and truncated, and what is appended between the
 * last read and the truncation (microseconds; more from one that writes faster than we copy) is lost, as with logrotate.
 */
export class LogCutter {
  private readonly logger = new Logger(LogCutter.name);
  private canCollapse = true;

  /** @returns how many bytes have moved */
  async move(from: string, to: string, bytes: number): Promise<number> {
    if (!this.canCollapse) return copyAndTruncate(from, to);
    await copyFront(from, to, bytes);
    return (await this.collapse(from, bytes)) ? bytes : copyAndTruncate(from, to);
  }

  /** @returns how many bytes are gone; 0 where only all could */
  async drop(from: string, bytes: number): Promise<number> {
    return this.canCollapse && (await this.collapse(from, bytes)) ? bytes : 0;
  }

  private async collapse(path: string, bytes: number): Promise<boolean> {
    try {
      await run('fallocate', ['--collapse-range', '--offset', '0', '--length', String(bytes), path], {
        timeout: CUT_MS,
      });
      return true;
    } catch (error) {
      this.canCollapse = false;
      this.logger.warn({ msg: 'logs are copied and truncated: their file system cannot cut', error: messageOf(error) });
      return false;
    }
  }
}

async function copyFront(from: string, to: string, bytes: number): Promise<void> {
  const source = await open(from);
  const target = await open(to, 'w', 0o640);
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let at = 0; at < bytes;) {
      const { bytesRead } = await source.read(buffer, 0, Math.min(CHUNK_BYTES, bytes - at), at);
      if (bytesRead === 0) return;
      await target.write(buffer, 0, bytesRead, at);
      at += bytesRead;
    }
  } finally {
    await source.close();
    await target.close();
  }
}

/** Synchronous from the last read to the truncation, so that nothing of this process comes between them. */
async function copyAndTruncate(from: string, to: string): Promise<number> {
  await copyFront(from, to, Number.MAX_SAFE_INTEGER);
  const source = openSync(from, 'r+');
  const target = openSync(to, 'a');
  try {
    const rest = Buffer.allocUnsafe(CHUNK_BYTES);
    let at = fstatSync(target).size;
    for (let rounds = 0; rounds < MAX_ROUNDS; rounds++) {
      const length = readSync(source, rest, 0, CHUNK_BYTES, at);
      if (length === 0) break;
      writeSync(target, rest, 0, length);
      at += length;
    }
    ftruncateSync(source);
    return at;
  } finally {
    closeSync(source);
    closeSync(target);
  }
}
