import { existsSync } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyedMutex } from '@fsb/component-base/keyed-mutex';
import { BLOCK_BYTES, type LogCutter } from './log-cutter';

/** Rotated files beside the current one. */
const KEPT = 3;
const CHUNK_BYTES = 256 * 1024;

/** A place in a sandbox's output: `generation` grows by one with each rotation. */
export interface LogPosition {
  readonly generation: number;
  readonly offset: number;
}
/** What there is to read at one moment. */
export interface LogRange {
  readonly start: LogPosition;
  readonly end: LogPosition;
}
export interface LogChunk {
  readonly data: Buffer;
  readonly next: LogPosition;
}

interface Rotations {
  /** counted from this process's start: whoever reads by them ends with the process */
  generation: number;
  /** bytes that went with each of the last rotations, the newest last */
  readonly lengths: number[];
  /** bytes of all rotations */
  total: number;
}

/**
 * The log files of sandboxes: `<id>.log` is the shim's, who appends; `<id>.log.1` to `.3` are older. The shim keeps its file
 * open, so that rotation copies a piece from the front and cuts it off: see {@link LogCutter} for what may be lost.
 */
export class SandboxLogs {
  private readonly mutex = new KeyedMutex();
  private readonly rotations = new Map<string, Rotations>();

  constructor(
    readonly folder: string,
    private readonly cutter: LogCutter,
  ) {}

  /** @param age 0: the current file */
  file(id: string, age = 0): string {
    return join(this.folder, age === 0 ? `${id}.log` : `${id}.log.${age}`);
  }

  /** The current one and those that were rotated, whether they are there or not. */
  files(id: string): string[] {
    return Array.from({ length: KEPT + 1 }, (_, age) => this.file(id, age));
  }

  /** All of it. */
  whole(id: string): Promise<LogRange> {
    return this.mutex.run(id, async () => ({ start: this.oldest(id), end: await this.end(id) }));
  }

  /** The last `lines` lines. */
  tail(id: string, lines: number): Promise<LogRange> {
    return this.mutex.run(id, async () => {
      const end = await this.end(id);
      let wanted = lines;
      for (let age = 0; age <= KEPT; age++) {
        const file = this.file(id, age);
        const found = await tailOf(file, age === 0 ? end.offset : await sizeOf(file), wanted, age === 0);
        const generation = end.generation - age;
        if (found.offset !== undefined) return { start: { generation, offset: found.offset }, end };
        wanted -= found.lines;
      }
      return { start: this.oldest(id), end };
    });
  }

  /** @returns undefined at the end. A reader that three rotations have overtaken goes on with the oldest file. */
  readAt(id: string, position: LogPosition): Promise<LogChunk | undefined> {
    return this.mutex.run(id, async () => {
      const now = this.generation(id);
      const lost = now - position.generation > KEPT;
      let at = lost ? { generation: now - KEPT, offset: 0 } : position;
      for (; at.generation <= now; at = this.next(id, at)) {
        const data = await readChunk(this.file(id, now - at.generation), at.offset, CHUNK_BYTES);
        if (data.length > 0) return { data, next: { ...at, offset: at.offset + data.length } };
      }
      return undefined;
    });
  }

  /** The same place, after the rotations that have moved it. */
  current(id: string, position: LogPosition): LogPosition {
    let at = position;
    const now = this.generation(id);
    while (at.generation < now && at.offset > this.length(id, at.generation)) at = this.next(id, at);
    return at;
  }

  /** Rotates the log where it is larger than `maxBytes`. @returns how many bytes were ever seen to be written */
  rotate(id: string, maxBytes: number): Promise<number> {
    return this.mutex.run(id, async () => {
      const size = await sizeOf(this.file(id));
      const written = size + (this.rotations.get(id)?.total ?? 0);
      const piece = Math.max(BLOCK_BYTES, maxBytes - (maxBytes % BLOCK_BYTES));
      let pieces = size > maxBytes ? Math.floor((size - 1) / piece) : 0;
      // what the newer pieces would push out is not copied first
      if (pieces > KEPT) await this.drop(id, (pieces - KEPT) * piece);
      for (pieces = Math.min(pieces, KEPT); pieces > 0; pieces--) if ((await this.move(id, piece)) !== piece) break;
      return written;
    });
  }

  remove(id: string): Promise<void> {
    return this.mutex.run(id, async () => {
      for (const file of this.files(id)) if (existsSync(file)) await rm(file, { force: true });
      this.rotations.delete(id);
    });
  }

  private oldest(id: string): LogPosition {
    return { generation: this.generation(id) - KEPT, offset: 0 };
  }

  private async end(id: string): Promise<LogPosition> {
    return { generation: this.generation(id), offset: await sizeOf(this.file(id)) };
  }

  private generation(id: string): number {
    return this.rotations.get(id)?.generation ?? 0;
  }

  private async move(id: string, bytes: number): Promise<number> {
    for (let age = KEPT - 1; age >= 1; age--) await renameIfThere(this.file(id, age), this.file(id, age + 1));
    const moved = await this.cutter.move(this.file(id), this.file(id, 1), bytes);
    this.rotated(id, moved);
    return moved;
  }

  private async drop(id: string, bytes: number): Promise<void> {
    const dropped = await this.cutter.drop(this.file(id), bytes);
    // readers of the pieces in between go on with the oldest that is left
    if (dropped > 0) for (let i = 0; i <= KEPT; i++) this.rotated(id, i === 0 ? dropped : 0);
  }

  private rotated(id: string, bytes: number): void {
    const { generation, lengths, total } = this.rotations.get(id) ?? { generation: 0, lengths: [], total: 0 };
    const kept = [...lengths, bytes].slice(-KEPT - 1);
    this.rotations.set(id, { generation: generation + 1, lengths: kept, total: total + bytes });
  }

  /** @returns the beginning of the next generation, or the place there that `at` has become */
  private next(id: string, at: LogPosition): LogPosition {
    return { generation: at.generation + 1, offset: Math.max(0, at.offset - this.length(id, at.generation)) };
  }

  private length(id: string, generation: number): number {
    return this.rotations.get(id)?.lengths.at(generation - this.generation(id)) ?? Infinity;
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

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // fs throws nothing else
  }
}

/** Where the last `wanted` of the lines in a file's first `size` bytes begin, or how many lines there are where they are fewer. */
async function tailOf(
  path: string,
  size: number,
  wanted: number,
  newest: boolean,
): Promise<{ offset?: number; lines: number }> {
  let end = size;
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
