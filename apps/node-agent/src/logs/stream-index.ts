import { type FileHandle, open } from 'node:fs/promises';
import { readChunk } from './log-lines';
import { decodeEntries, ENTRY_BYTES, type IndexEntry, stdoutBefore, type Turns, turnsOf } from './log-turns';

const ENTRIES_AT_ONCE = 4096;

/** A place in a log: the number of bytes before it, and of stdout's among them. */
export interface LogPlace {
  readonly position: number;
  readonly stdout: number;
}

/** The index of streams that the writer keeps beside a log. Without one, all bytes are stdout's. */
export class StreamIndex implements AsyncDisposable {
  private file: FileHandle | undefined;

  constructor(private readonly path: string) {}

  /** @returns undefined where the file does not exist, or not yet */
  async open(): Promise<FileHandle | undefined> {
    try {
      return (this.file ??= await open(this.path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // fs throws nothing else
      throw error;
    }
  }

  /** @param position of a kept byte, or 0 */
  async place(position: number): Promise<LogPlace> {
    const at = await this.lastAt(position);
    return { position, stdout: stdoutBefore(position, at < 0 ? undefined : await this.entry(at)) };
  }

  /** The turns of a span of kept bytes. */
  async turns(from: number, until: number): Promise<Turns> {
    const entries: IndexEntry[] = [];
    for (let at = Math.max(0, await this.lastAt(from)); ; at += ENTRIES_AT_ONCE) {
      const some = await this.entries(at, ENTRIES_AT_ONCE);
      entries.push(...some.filter(({ position }) => position < until));
      if (some.length < ENTRIES_AT_ONCE || (some.at(-1)?.position ?? until) >= until)
        return turnsOf(entries, from, until);
    }
  }

  /** Sizes of the index before the entry for `position`, and from that entry on. */
  async bytesAround(position: number): Promise<{ readonly before: number; readonly behind: number }> {
    const before = Math.max(0, await this.lastAt(position)) * ENTRY_BYTES;
    return { before, behind: (await this.count()) * ENTRY_BYTES - before };
  }

  /** The log position of an entry. @param offset in the index, of any byte of the entry */
  async positionAt(offset: number): Promise<number> {
    return (await this.entry(Math.floor(offset / ENTRY_BYTES))).position;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file?.close();
  }

  /** Number of the last entry at or before a position; -1: there is none. */
  private async lastAt(position: number): Promise<number> {
    let low = -1;
    for (let high = await this.count(); high - low > 1;) {
      const middle = (low + high) >> 1;
      if ((await this.entry(middle)).position <= position) low = middle;
      else high = middle;
    }
    return low;
  }

  private async entry(at: number): Promise<IndexEntry> {
    const [entry] = await this.entries(at, 1);
    if (!entry) throw new Error(`${this.path} ends before entry ${at}`);
    return entry;
  }

  private async entries(at: number, most: number): Promise<IndexEntry[]> {
    const file = await this.open();
    return file ? decodeEntries(await readChunk(file, at * ENTRY_BYTES, most * ENTRY_BYTES)) : [];
  }

  private async count(): Promise<number> {
    const file = await this.open();
    return file ? Math.floor((await file.stat()).size / ENTRY_BYTES) : 0;
  }
}
