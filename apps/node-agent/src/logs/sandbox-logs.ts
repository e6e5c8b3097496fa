import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { KeyedMutex } from '@fsb/component-base/keyed-mutex';
import { freeFront } from './front-of-file';
import { type KeptBytes, nextRead, trimTarget } from './kept-bytes';
import { lineStart, readChunk, tailStart } from './log-lines';

const CHUNK_BYTES = 256 * 1024;

/** What a reader wants, as positions in the log. */
export interface LogRange {
  readonly from: number;
  /** the log's end at the moment of the question */
  readonly until: number;
}

export interface LogPart {
  /** bytes before `data` that are not kept any more */
  readonly dropped: number;
  readonly data: Buffer;
}

/** One log for one reader: a file that stays readable when the sandbox and its files are removed. */
export interface OpenLog extends AsyncDisposable {
  /** @returns nothing dropped and no data at the log's present end, or at `until` */
  read(position: number, until: number): Promise<LogPart>;
}

/** Shared by the readers of a log, who may outlive its removal. */
interface LogState {
  /** the first byte that is kept; undefined: not read yet */
  start: number | undefined;
}

/**
 * The log files of sandboxes. The shim appends to `<id>.log` and keeps it open. A byte's offset in the file is its position in
 * the log for ever: a log that grows too large loses its front to a hole (docs/adr/0020). `<id>.log.start` says where what is
 * kept begins; it is written before the hole, so that a crash between the two leaves only space to free.
 */
export class SandboxLogs {
  private readonly mutex = new KeyedMutex();
  private readonly states = new Map<string, LogState>();

  constructor(readonly folder: string) {}

  file(id: string): string {
    return join(this.folder, `${id}.log`);
  }

  /** All files of a log, whether they are there or not. */
  files(id: string): string[] {
    return [this.file(id), this.startFile(id), this.keptFile(id)];
  }

  /** All that was ever written: what is not kept is told to the reader as dropped. */
  async whole(id: string): Promise<LogRange> {
    return { from: 0, until: await sizeOf(this.file(id)) };
  }

  /** The last `lines` lines; where fewer are kept, all. */
  tail(id: string, lines: number): Promise<LogRange> {
    return this.mutex.run(id, async () => {
      const file = await this.opened(id);
      if (!file) return { from: 0, until: 0 };
      try {
        const kept = await this.kept(id, this.state(id), file);
        return { from: (await tailStart(file, kept, lines)) ?? 0, until: kept.end };
      } finally {
        await file.close();
      }
    });
  }

  /** @returns undefined where the file is not there: not yet, or no more */
  async open(id: string): Promise<OpenLog | undefined> {
    const file = await this.opened(id);
    if (!file) return undefined;
    const state = this.state(id);
    return {
      // not while the front is being freed: what is read then would be zeros
      read: (position, until) =>
        this.mutex.run(id, async () => {
          const kept = await this.kept(id, state, file);
          const { dropped, from, bytes } = nextRead(position, kept, until, CHUNK_BYTES);
          return { dropped, data: bytes === 0 ? Buffer.alloc(0) : await readChunk(file, from, bytes) };
        }),
      [Symbol.asyncDispose]: () => file.close(),
    };
  }

  /**
   * Frees the front of a log that is larger than four times `maxBytes`, up to the beginning of a line.
   * @returns how many bytes were ever written
   */
  trim(id: string, maxBytes: number): Promise<number> {
    return this.mutex.run(id, async () => {
      const state = this.state(id);
      const kept = { start: await this.startOf(id, state), end: await sizeOf(this.file(id)) };
      const target = trimTarget(kept, maxBytes);
      if (target !== undefined) await this.moveStart(id, state, target, maxBytes);
      return kept.end;
    });
  }

  /** Of a removed sandbox whose object stays: see EndedLogs. */
  keptFile(id: string): string {
    return `${this.file(id)}.kept`;
  }

  async bytesOnDisk(id: string): Promise<number> {
    const found = await stat(this.file(id)).catch(() => undefined); // removed
    return (found?.blocks ?? 0) * 512;
  }

  /** With its sandbox, unless it is to be kept. */
  async remove(id: string): Promise<void> {
    if (!existsSync(this.keptFile(id))) await this.discard(id);
  }

  /** Log and record. */
  discard(id: string): Promise<void> {
    return this.mutex.run(id, async () => {
      for (const file of this.files(id)) if (existsSync(file)) await rm(file, { force: true });
      this.states.delete(id);
    });
  }

  private async moveStart(id: string, state: LogState, target: number, maxBytes: number): Promise<void> {
    const file = await this.opened(id);
    if (!file) return;
    try {
      const start = await lineStart(file, target, maxBytes);
      await writeFile(`${this.startFile(id)}.new`, String(start));
      await rename(`${this.startFile(id)}.new`, this.startFile(id));
      state.start = start;
      await freeFront(this.file(id), start);
    } finally {
      await file.close();
    }
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
    return `${this.file(id)}.start`;
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
