import { type FSWatcher, watch } from 'node:fs';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { ApiError } from '@fsb/api/errors';
import { type LogChunk, type LogPosition, type LogRange, type SandboxLogs } from './sandbox-logs';

export interface LogQuery {
  readonly follow: boolean;
  readonly tailLines: number | undefined;
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
    if (this.readers >= MAX_READERS) throw new ApiError('unavailable', `the agent has ${MAX_READERS} log readers`);
    this.readers++;
    try {
      const range = await (tailLines === undefined ? this.logs.whole(id) : this.logs.tail(id, tailLines));
      if (follow) return yield* this.follow(id, range.start, signal);
      yield* this.asItIs(id, range);
      return undefined;
    } finally {
      this.readers--;
    }
  }

  /** Up to where the log ended when it was asked for: a process that writes faster than we are read must not keep us. */
  private async *asItIs(id: string, range: LogRange): AsyncGenerator<Buffer> {
    let { end, start: position } = range;
    for (;;) {
      const chunk = await this.logs.readAt(id, position);
      if (!chunk) return;
      end = this.logs.current(id, end);
      const data = upTo(end, chunk);
      if (data.length > 0) yield data;
      if (data.length < chunk.data.length) return;
      position = chunk.next;
    }
  }

  private async *follow(
    id: string,
    start: LogPosition,
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
      let position = start;
      while (!signal.aborted) {
        changes.clear();
        const wasOver = sandbox.over; // asked before the read: only then is an empty read the end
        const chunk = await this.logs.readAt(id, position);
        if (chunk) {
          position = chunk.next;
          yield chunk.data;
        } else if (wasOver) return await end;
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

function upTo(end: LogPosition, { data, next }: LogChunk): Buffer {
  if (next.generation < end.generation) return data;
  if (next.generation > end.generation) return data.subarray(0, 0);
  return data.subarray(0, Math.max(0, data.length - Math.max(0, next.offset - end.offset)));
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
