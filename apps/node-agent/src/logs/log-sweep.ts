import { setTimeout as sleep } from 'node:timers/promises';
import { Logger, type OnApplicationBootstrap, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { type SandboxTable } from '../sandboxes/sandbox-table';
import { requireFreeFront } from './front-of-file';
import { type SandboxLogs } from './sandbox-logs';

const SOONEST_MS = 50;

interface Seen {
  readonly written: number;
  readonly at: number;
}

/**
 * Trims logs that have grown too large, one after the other. The next sweep comes when the log that grows fastest, at
 * its present pace, has written half of `maxBytes`.
 */
export class LogSweep implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(LogSweep.name);
  private readonly stopping = new AbortController();
  private seen = new Map<string, Seen>();

  constructor(
    private readonly logs: SandboxLogs,
    private readonly table: SandboxTable,
    private readonly settings: { readonly maxBytes: number; readonly everyMs: number },
  ) {}

  /** @throws Error where the logs' file system cannot free the front of a file */
  async onModuleInit(): Promise<void> {
    await requireFreeFront(this.logs.folder);
  }

  onApplicationBootstrap(): void {
    void this.run();
  }

  onModuleDestroy(): void {
    this.stopping.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let bytesPerMs = 0;
    for (;;) {
      const pause = nextSweepMs(bytesPerMs, this.settings);
      await sleep(pause, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      bytesPerMs = await this.sweep();
    }
  }

  /** @returns bytes per millisecond of the log that grows fastest */
  private async sweep(): Promise<number> {
    const seen = new Map<string, Seen>();
    let fastest = 0;
    for (const { sandboxId, finishedAt } of this.table.list()) {
      const before = this.seen.get(sandboxId);
      if (finishedAt !== undefined && before?.written === -1) {
        seen.set(sandboxId, before); // trimmed since it ended
        continue;
      }
      const written = await this.trim(sandboxId);
      const now = performance.now();
      if (before) fastest = Math.max(fastest, (written - before.written) / Math.max(1, now - before.at));
      seen.set(sandboxId, { written: finishedAt === undefined || !before ? written : -1, at: now });
    }
    this.seen = seen;
    return fastest;
  }

  private async trim(id: string): Promise<number> {
    try {
      return await this.logs.trim(id, this.settings.maxBytes);
    } catch (error) {
      this.logger.warn({ msg: 'a log was not trimmed', sandbox: id, error: messageOf(error) });
      return 0;
    }
  }
}

/** Milliseconds until the next sweep. Pure. */
export function nextSweepMs(
  bytesPerMs: number,
  settings: { readonly maxBytes: number; readonly everyMs: number },
): number {
  if (bytesPerMs <= 0) return settings.everyMs;
  return Math.min(settings.everyMs, Math.max(SOONEST_MS, settings.maxBytes / 2 / bytesPerMs));
}
