import { type FSWatcher, watch } from 'node:fs';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { ApiError } from '@fsb/api/errors';
import { droppedNotice } from './dropped-notice';
import { type OpenLog, type SandboxLogs } from './sandbox-logs';

export interface LogQuery {
  readonly follow: boolean;
  readonly tailLines: number | undefined;
}

/** inotify tells of every write; this bounds what a watch that could not be made would miss. */
const FALLBACK_MS = 1000;
const MAX_READERS = 256;
const NEWLINE = 0x0a;

/** Reads sandboxes' logs, and follows them to their end. */
export class LogReader {
  private readers = 0;

  /** @param over resolves when the sandbox has ended and its last output is in its log */
  constructor(
    private readonly logs: SandboxLogs,
    private readonly over: (id: string, signal: AbortSignal) => Promise<AgentSandboxStatus | undefined>,
  ) {}

  /** To be asked before an answer begins. @throws ApiError unavailable when too many read already */
  requireRoom(): void {
    if (this.readers >= MAX_READERS)
      throw new ApiError('unavailable', `the agent has ${MAX_READERS} log readers; try again`);
  }

  /**
   * A chunk is read when the one before was taken: a slow reader holds the source back.
   * @returns how the sandbox ended, where that was followed
   * @throws ApiError unavailable when too many read already
   */
  async *read(
    id: string,
    { follow, tailLines }: LogQuery,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer, AgentSandboxStatus | undefined> {
    this.requireRoom();
    this.readers++;
    try {
      const range = await (tailLines === undefined ? this.logs.whole(id) : this.logs.tail(id, tailLines));
      await using cursor = new LogCursor(this.logs, id, range.from);
      if (follow) return yield* this.follow(id, cursor, signal);
      // a process that writes faster than the log is read must not keep the reader for ever
      for (let data; (data = await cursor.next(range.until));) yield data;
      return undefined;
    } finally {
      this.readers--;
    }
  }

  private async *follow(
    id: string,
    cursor: LogCursor,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer, AgentSandboxStatus | undefined> {
    const leave = new AbortController();
    const changes = new FileChanges(this.logs.file(id));
    const sandbox = { over: false };
    const end = this.over(id, AbortSignal.any([signal, leave.signal])).then((status) => {
      sandbox.over = true;
      changes.wake();
      return status;
    });
    try {
      while (!signal.aborted) {
        changes.clear();
        const wasOver = sandbox.over; // asked before the read: only then is an empty read the end
        const data = await cursor.next();
        if (data) yield data;
        else if (wasOver) return await end;
        else await changes.next();
      }
      throw signal.reason; // not the log's end
    } finally {
      leave.abort();
      changes.close();
      await end;
    }
  }
}

/** A reader's place in a log. */
class LogCursor {
  private log: OpenLog | undefined;
  private isMidLine = false;

  constructor(
    private readonly logs: SandboxLogs,
    private readonly id: string,
    private position: number,
  ) {}

  /** @returns the bytes up to `until` that come next, or the notice of their loss; undefined where there are none yet */
  async next(until = Infinity): Promise<Buffer | undefined> {
    this.log ??= await this.logs.open(this.id);
    if (!this.log) return undefined;
    const { dropped, data } = await this.log.read(this.position, until);
    this.position += dropped + data.length;
    const parts = dropped > 0 ? [droppedNotice(dropped, this.isMidLine), data] : [data];
    if (dropped > 0) this.isMidLine = false;
    if (data.length > 0) this.isMidLine = data.at(-1) !== NEWLINE;
    return dropped + data.length > 0 ? Buffer.concat(parts) : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log?.[Symbol.asyncDispose]();
  }
}

/** Waits for the next change of a file; changes since {@link clear} count. */
class FileChanges {
  private readonly watcher: FSWatcher | undefined;
  private changed = false;
  private wakeUp: (() => void) | undefined;

  constructor(path: string) {
    this.watcher = watchIfThere(path);
    this.watcher?.on('change', () => {
      this.wake();
    });
    this.watcher?.on('error', () => undefined); // then the fallback is all there is
  }

  clear(): void {
    this.changed = false;
  }

  wake(): void {
    this.changed = true;
    this.wakeUp?.();
  }

  async next(): Promise<void> {
    if (this.changed) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wakeUp = resolve;
      timer = setTimeout(resolve, FALLBACK_MS);
    });
    clearTimeout(timer);
    this.wakeUp = undefined;
  }

  close(): void {
    this.watcher?.close();
    this.wake();
  }
}

function watchIfThere(path: string): FSWatcher | undefined {
  try {
    return watch(path, { persistent: false });
  } catch {
    return undefined; // not made yet, or out of inotify watches
  }
}
