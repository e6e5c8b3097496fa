import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync, renameSync } from 'node:fs';
import { KeyedMutex } from '@fsb/component-base/keyed-mutex';
import { logFiles } from '@fsb/node/sandbox-log-files';
import { freeFront } from './front-of-file';
import { type KeptBytes, nextRead, trimTarget } from './kept-bytes';
import { lineStart, readChunk, tailStart } from './log-lines';
import { type LogStream, mostIndexBytes, spansOf, type Turns } from './log-turns';
import { type LogPlace, StreamIndex } from './stream-index';

const CHUNK_BYTES = 256 * 1024;
const BEGINNING: LogPlace = { position: 0, stdout: 0 };

/** The range of a log for a reader. */
export interface LogRange {
  readonly from: LogPlace;
  /** the log's end at the time of the call */
  readonly until: LogPlace;
}

export interface LogPart {
  /** bytes before `data` that were dropped */
  readonly dropped: number;
  readonly data: Buffer;
}

/** A part with the stream of each byte. */
export interface LogPartApart extends LogPart {
  readonly turns: Turns;
  /** bytes of stdout before `data`; undefined where no kept entry says so, and then there is no data */
  readonly stdout: number | undefined;
}

/** An open log of one reader. It stays readable when the sandbox and its files are removed. */
export interface OpenLog extends AsyncDisposable {
  /** @returns nothing dropped and no data at the log's present end, or at `until` */
  read(position: number, until: number): Promise<LogPart>;
  readApart(position: number, until: number): Promise<LogPartApart>;
}

/** State shared by the readers of a log, which may outlive its removal. */
interface LogState {
  /** the first byte that is kept; undefined: not read yet */
  start: number | undefined;
}

/**
 * The log files of sandboxes. Writers (logger.c) append to `<id>.log` and keep it open. A byte's offset in the file is
 * its position in the log for ever: a log that grows too large has its front replaced by a hole (docs/adr/0020).
 * `<id>.log.start` has the position of the first kept byte; it is written before the hole is punched, so that a crash
 * between the two leaves only space to free. `<id>.log.streams` says which bytes are stderr's (docs/adr/0021).
 */
export class SandboxLogs {
  private readonly mutex = new KeyedMutex();
  private readonly states = new Map<string, LogState>();

  /**
   * @param writer program that containerd's shims start for a log; absent: they write it, without telling streams apart
   */
  constructor(
    readonly folder: string,
    readonly writer?: string,
  ) {}

  file(id: string): string {
    return logFiles.log(this.folder, id);
  }

  /** Paths of all files of a log, existing or not. */
  files(id: string): string[] {
    return [this.file(id), this.indexFile(id), this.startFile(id), this.keptFile(id)];
  }

  /** Path of the index of streams, which the writer makes before it is ready. */
  indexFile(id: string): string {
    return logFiles.streams(this.folder, id);
  }

  /** Renames a log. Its writer keeps the files open. */
  rename(id: string, newId: string): void {
    try {
      renameSync(this.indexFile(id), this.indexFile(newId));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // an earlier writer made no index
    }
    renameSync(this.file(id), this.file(newId));
  }

  /** The range of all that was ever written. The reader gets a notice for what was dropped. */
  async whole(id: string): Promise<LogRange> {
    await using index = new StreamIndex(this.indexFile(id));
    return { from: BEGINNING, until: await index.place(await sizeOf(this.file(id))) };
  }

  /**
   * The range of the last `lines` lines; where fewer are kept, of all.
   * @param stream counts its lines only; absent: lines of both
   */
  tail(id: string, lines: number, stream?: LogStream): Promise<LogRange> {
    return this.mutex.run(id, async () => {
      await using file = await this.opened(id);
      if (!file) return { from: BEGINNING, until: BEGINNING };
      await using index = new StreamIndex(this.indexFile(id));
      const kept = await this.kept(id, this.state(id), file);
      const spansIn =
        stream && (async (from: number, until: number) => spansOf(await index.turns(from, until), from, stream));
      const start = await tailStart(file, kept, lines, spansIn);
      return { from: start === undefined ? BEGINNING : await index.place(start), until: await index.place(kept.end) };
    });
  }

  /** @returns undefined where the file does not exist, yet or any more */
  async open(id: string): Promise<OpenLog | undefined> {
    const file = await this.opened(id);
    if (!file) return undefined;
    const index = new StreamIndex(this.indexFile(id));
    await index.open(); // now, since the log may be removed later
    const state = this.state(id);
    const read = async (position: number, until: number): Promise<LogPart & { from: number; start: number }> => {
      const kept = await this.kept(id, state, file);
      const { dropped, from, bytes } = nextRead(position, kept, until, CHUNK_BYTES);
      const data = bytes === 0 ? Buffer.alloc(0) : await readChunk(file, from, bytes);
      return { dropped, data, from, start: kept.start };
    };
    // excludes a trim, during which zeros would be read
    return {
      read: (position, until) => this.mutex.run(id, () => read(position, until)),
      readApart: (position, until) =>
        this.mutex.run(id, async () => {
          const { dropped, data, from, start } = await read(position, until);
          if (from < start) return { dropped, data, turns: [], stdout: undefined };
          const turns = await index.turns(from, from + data.length);
          return { dropped, data, turns, stdout: (await index.place(from)).stdout };
        }),
      [Symbol.asyncDispose]: async () => {
        await index[Symbol.asyncDispose]();
        await file.close();
      },
    };
  }

  /**
   * Frees the front, up to the beginning of a line, of a log that, or whose index, is larger than four times
   * `maxBytes`.
   * @returns bytes ever written
   */
  trim(id: string, maxBytes: number): Promise<number> {
    return this.mutex.run(id, async () => {
      const state = this.state(id);
      const kept = { start: await this.startOf(id, state), end: await sizeOf(this.file(id)) };
      await using index = new StreamIndex(this.indexFile(id));
      const target = trimTarget(kept, maxBytes) ?? (await this.indexTarget(kept, maxBytes, index));
      if (target !== undefined) await this.moveStart(id, state, target, maxBytes, index);
      return kept.end;
    });
  }

  /** Path of the record of a kept log, see EndedLogs. */
  keptFile(id: string): string {
    return logFiles.kept(this.folder, id);
  }

  async bytesOnDisk(id: string): Promise<number> {
    const found = await stat(this.file(id)).catch(() => undefined); // removed
    return (found?.blocks ?? 0) * 512;
  }

  /** Removes a log with its sandbox, unless it is to be kept. */
  async remove(id: string): Promise<void> {
    if (!existsSync(this.keptFile(id))) await this.discard(id);
  }

  /** Removes a log and its record. */
  discard(id: string): Promise<void> {
    return this.discardFiles(id, this.files(id));
  }

  /** Removes a log whose record stays. The log itself goes last: while it has bytes, EndedLogs removes it again. */
  discardContent(id: string): Promise<void> {
    return this.discardFiles(id, [this.indexFile(id), this.startFile(id), this.file(id)]);
  }

  private discardFiles(id: string, files: readonly string[]): Promise<void> {
    return this.mutex.run(id, async () => {
      for (const file of files) if (existsSync(file)) await rm(file, { force: true });
      this.states.delete(id);
    });
  }

  /** The trim target for a log whose streams alternate so often that the index is too large. */
  private async indexTarget(kept: KeptBytes, maxBytes: number, index: StreamIndex): Promise<number | undefined> {
    if (mostIndexBytes({ from: kept.start, until: kept.end }) <= maxBytes * 4) return undefined; // nearly every log
    const { before, behind } = await index.bytesAround(kept.start);
    const offset = trimTarget({ start: before, end: before + behind }, maxBytes);
    return offset === undefined ? undefined : index.positionAt(offset);
  }

  private async moveStart(
    id: string,
    state: LogState,
    target: number,
    maxBytes: number,
    index: StreamIndex,
  ): Promise<void> {
    await using file = await this.opened(id);
    if (!file) return;
    const start = await lineStart(file, target, maxBytes);
    const { before } = await index.bytesAround(start);
    await writeFile(`${this.startFile(id)}.new`, String(start));
    await rename(`${this.startFile(id)}.new`, this.startFile(id));
    state.start = start;
    await freeFront(this.file(id), start);
    if (before > 0) await freeFront(this.indexFile(id), before); // the entry for `start` stays
  }

  private async kept(id: string, state: LogState, file: FileHandle): Promise<KeptBytes> {
    return { start: await this.startOf(id, state), end: (await file.stat()).size };
  }

  private async startOf(id: string, state: LogState): Promise<number> {
    state.start ??= Number(await readFile(this.startFile(id), 'utf8').catch(() => '0')); // never trimmed
    return state.start;
  }

  private state(id: string): LogState {
    const state = this.states.get(id) ?? { start: undefined };
    this.states.set(id, state);
    return state;
  }

  private startFile(id: string): string {
    return logFiles.start(this.folder, id);
  }

  private async opened(id: string): Promise<FileHandle | undefined> {
    try {
      return await open(this.file(id));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // fs throws nothing else
      throw error;
    }
  }
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined); // not made yet, or removed
  return found?.size ?? 0;
}
