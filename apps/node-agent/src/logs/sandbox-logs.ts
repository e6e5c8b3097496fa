import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { copyFile, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyedMutex } from '@fsb/component-base/keyed-mutex';

/** Rotated files beside the current one. */
const KEPT = 3;
const CHUNK_BYTES = 256 * 1024;
/** A process that writes as fast as this copies must not hold the agent: 16 MiB, then it loses lines. */
const MAX_ROUNDS = 64;

/** A place in a sandbox's output: `generation` grows by one with each rotation. */
export interface LogPosition {
  readonly generation: number;
  readonly offset: number;
}
export interface LogChunk {
  readonly data: Buffer;
  readonly next: LogPosition;
}

/**
 * The log files of sandboxes: `<id>.log` is the shim's, who appends; `<id>.log.1` to `.3` are older. Rotation copies and
 * truncates, since the shim keeps its file open; what it writes between the two (microseconds) is lost, as with logrotate.
 */
export class SandboxLogs {
  private readonly mutex = new KeyedMutex();
  /** Counted from this process's start: whoever reads by them ends with the process. */
  private readonly generations = new Map<string, number>();

  constructor(readonly folder: string) {}

  /** @param age 0: the current file */
  file(id: string, age = 0): string {
    return join(this.folder, age === 0 ? `${id}.log` : `${id}.log.${age}`);
  }

  oldest(id: string): LogPosition {
    return { generation: this.generation(id) - KEPT, offset: 0 };
  }

  end(id: string): Promise<LogPosition> {
    return this.mutex.run(id, async () => ({ generation: this.generation(id), offset: await sizeOf(this.file(id)) }));
  }

  /** Where the last `lines` lines begin. */
  tail(id: string, lines: number): Promise<LogPosition> {
    return this.mutex.run(id, async () => {
      const now = this.generation(id);
      let wanted = lines;
      for (let age = 0; age <= KEPT; age++) {
        const found = await tailOf(this.file(id, age), wanted, age === 0);
        if (found.offset !== undefined) return { generation: now - age, offset: found.offset };
        wanted -= found.lines;
      }
      return { generation: now - KEPT, offset: 0 };
    });
  }

  /** @returns undefined at the end. A reader that three rotations have overtaken goes on with the oldest file. */
  readAt(id: string, position: LogPosition): Promise<LogChunk | undefined> {
    return this.mutex.run(id, async () => {
      const now = this.generation(id);
      const lost = now - position.generation > KEPT;
      let at = lost ? { generation: now - KEPT, offset: 0 } : position;
      for (; at.generation <= now; at = { generation: at.generation + 1, offset: 0 }) {
        const data = await readChunk(this.file(id, now - at.generation), at.offset, CHUNK_BYTES);
        if (data.length > 0) return { data, next: { ...at, offset: at.offset + data.length } };
      }
      return undefined;
    });
  }

  /** Rotates the log where it is larger than `maxBytes`. */
  rotate(id: string, maxBytes: number): Promise<void> {
    return this.mutex.run(id, async () => {
      const current = this.file(id);
      if ((await sizeOf(current)) <= maxBytes) return;
      for (let age = KEPT - 1; age >= 1; age--) await renameIfThere(this.file(id, age), this.file(id, age + 1));
      await copyFile(current, this.file(id, 1));
      moveRest(current, this.file(id, 1));
      this.generations.set(id, this.generation(id) + 1);
    });
  }

  remove(id: string): Promise<void> {
    return this.mutex.run(id, async () => {
      for (let age = 0; age <= KEPT; age++) await rm(this.file(id, age), { force: true });
      this.generations.delete(id);
    });
  }

  private generation(id: string): number {
    return this.generations.get(id) ?? 0;
  }
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined); // not made yet, or removed
  return found?.size ?? 0;
}

async function readChunk(path: string, offset: number, bytes: number): Promise<Buffer> {
  const file = await open(path).catch(() => undefined); // not made yet, or removed
  if (!file) return Buffer.alloc(0);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(bytes), 0, bytes, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/**
 * What came while the copy was made, and the truncation: synchronous, so that nothing of this process comes between them.
 * The copy takes milliseconds and what came meanwhile is little.
 */
function moveRest(from: string, to: string): void {
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
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // fs throws nothing else
  }
}

/** Where the last `wanted` lines of a file begin, or how many lines it has where it has fewer. */
async function tailOf(path: string, wanted: number, newest: boolean): Promise<{ offset?: number; lines: number }> {
  let end = await sizeOf(path);
  const last = end > 0 ? await readChunk(path, end - 1, 1) : Buffer.alloc(0);
  // an unfinished last line is a line; in an older file it is the beginning of the next file's first
  let lines = newest && end > 0 && last[0] !== 0x0a ? 1 : 0;
  if (newest && wanted === 0) return { offset: end, lines };
  while (end > 0) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const chunk = await readChunk(path, start, end - start);
    for (let i = chunk.length - 1; i >= 0; i--) {
      if (chunk[i] !== 0x0a) continue;
      if (lines >= wanted) return { offset: start + i + 1, lines };
      lines++;
    }
    end = start;
  }
  return { lines };
}
