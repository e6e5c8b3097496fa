import { type FSWatcher, watch } from 'node:fs';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { ApiError } from '@fsb/api/errors';
import { type LogChunk, LogCursor, type WantedStreams } from './log-cursor';
import { type SandboxLogs } from './sandbox-logs';

export interface LogQuery {
  readonly follow: boolean;
  /** of the wanted streams */
  readonly tailLines: number | undefined;
  readonly streams: WantedStreams;
}

/** inotify tells of every write; this bounds what a watch that could not be made would miss. */
const FALLBACK_MS = 1000;
const MAX_READERS = 256;

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
   * @throws ApiError unavailable when too many read already, or the sandbox followed was never made
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
      // a process that writes faster than the log is read must not keep the reader for ever
      for (let chunk; !signal.aborted && (chunk = await cursor.next(range.until));) {
        if (chunk.data.length > 0) yield chunk;
      }
      return undefined;
    } finally {
      this.readers--;
    }
  }

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
        const wasOver = sandbox.over; // asked before the read: only then is an empty read the end
        const chunk = await cursor.next();
        if (chunk && chunk.data.length > 0) yield chunk;
        else if (!chunk && wasOver) return await end;
        else if (!chunk) await changes.next();
      }
      throw signal.reason; // not the log's end
    } finally {
      leave.abort();
      changes.close();
      await Promise.allSettled([end]);
    }
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
