import { setTimeout as sleep } from 'node:timers/promises';
import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { type SandboxTable } from '../sandboxes/sandbox-table';
import { type SandboxLogs } from './sandbox-logs';

/** Rotates the logs that have grown too large: one after the other, one sweep at a time. */
export class LogSweep implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(LogSweep.name);
  private readonly stopping = new AbortController();

  constructor(
    private readonly logs: SandboxLogs,
    private readonly table: SandboxTable,
    private readonly settings: { readonly maxBytes: number; readonly everyMs: number },
  ) {}

  onApplicationBootstrap(): void {
    void this.run();
  }

  onModuleDestroy(): void {
    this.stopping.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (;;) {
      await sleep(this.settings.everyMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await this.sweep();
    }
  }

  private async sweep(): Promise<void> {
    for (const { sandboxId } of this.table.list()) {
      await this.logs.rotate(sandboxId, this.settings.maxBytes).catch((error: unknown) => {
        this.logger.warn({ msg: 'a log was not rotated', sandbox: sandboxId, error: messageOf(error) });
      });
    }
  }
}
