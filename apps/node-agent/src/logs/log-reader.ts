import { type FSWatcher, watch } from 'node:fs';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { ApiError } from '@fsb/api/errors';
import { type LogChunk, LogCursor, type WantedStreams } from './log-cursor';
import { type SandboxLogs } from './sandbox-logs';

export interface LogQuery {
  readonly follow: boolean;
  /** lines of the wanted streams to begin with; undefined: all */
  readonly tailLines: number | undefined;
  readonly streams: WantedStreams;
}

/** Polling interval beside inotify, for a watch that could not be made. */
const FALLBACK_MS = 1000;
const MAX_READERS = 256;

/** Reads sandboxes' logs and follows them to their end. */
export class LogReader {
  private readers = 0;

  /** @param over resolves when the sandbox has ended and its last output is in its log */
  constructor(
    private readonly logs: SandboxLogs,
    private readonly over: (id: string, signal: AbortSignal) => Promise<AgentSandboxStatus | undefined>,
  ) {}

  /** To be called before an answer begins. @throws ApiError unavailable where there are too many readers */
  requireRoom(): void {
    if (this.readers >= MAX_READERS)
      throw new ApiError('unavailable', `the agent has ${MAX_READERS} log readers; try again`);
  }

  /**
   * Reads a log in chunks. A chunk is read when the one before was consumed (backpressure).
   * @returns the status of the ended sandbox, with `follow`
   * @throws ApiError unavailable where there are too many readers, or where the create of a followed sandbox failed
   */
  async *read(
    id: string,
    { follow, tailLines, streams }: LogQuery,
    signal: AbortSignal,
  ): AsyncGenerator<LogChunk, AgentSandboxStatus | undefined> {
    this.requireRoom();
    this.readers++;
    try {
      const only = streams === 'stdout' || streams === 'stderr' ? streams : undefined;
      const range = await (tailLines === undefined ? this.logs.whole(id) : this.logs.tail(id, tailLines, only));
      await using cursor = new LogCursor(this.logs, id, range.from, streams);
      if (follow) return yield* this.follow(id, cursor, signal);
      // bounded by the end at the call: a process that writes faster than the reader must not keep it for ever
      for (let chunk; !signal.aborted && (chunk = await cursor.next(range.until));) {
        if (chunk.data.length > 0) yield chunk;
      }
      return undefined;
    } finally {
      this.readers--;
    }
  }

  /** @throws the reason of `signal`, so that an aborted read does not look like the log's end */
  private async *follow(
    id: string,
    cursor: LogCursor,
    signal: AbortSignal,
  ): AsyncGenerator<LogChunk, AgentSandboxStatus | undefined> {
    const leave = new AbortController();
    const changes = new FileChanges(this.logs.file(id));
    const sandbox = { over: false };
    const end = this.over(id, AbortSignal.any([signal, leave.signal])).finally(() => {
      sandbox.over = true;
      changes.wake();
    });
    end.catch(() => undefined); // awaited below
    try {
      while (!signal.aborted) {
        changes.clear();
        const wasOver = sandbox.over; // read before the log: only then is an empty read EOF
        const chunk = await cursor.next();
        if (chunk && chunk.data.length > 0) yield chunk;
        else if (!chunk && wasOver) return await end;
        else if (!chunk) await changes.next();
      }
      throw signal.reason;
    } finally {
      leave.abort();
      changes.close();
      await Promise.allSettled([end]);
    }
  }
}

/** Waits for the next change of a file. Counts changes since {@link clear}. */
class FileChanges {
  private readonly watcher: FSWatcher | undefined;
  private changed = false;
  private wakeUp: (() => void) | undefined;

  constructor(path: string) {
    this.watcher = watchIfThere(path);
    this.watcher?.on('change', () => {
      this.wake();
    });
    this.watcher?.on('error', () => undefined); // polling remains
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
