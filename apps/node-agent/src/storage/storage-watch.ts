import { setTimeout as sleep } from 'node:timers/promises';
import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { type Admission } from '../sandboxes/admission';
import { type SandboxExits } from '../sandboxes/sandbox-exits';
import { type SandboxTable } from '../sandboxes/sandbox-table';
import { exceeds, type DiskUsage } from './disk-usage';
import { type Footprint } from './grower-plan';
import { type SandboxUsage } from './sandbox-usage';

export interface StorageParts {
  readonly admission: Pick<Admission, 'storageOf'>;
  readonly table: SandboxTable;
  readonly exits: Pick<SandboxExits, 'evict'>;
  readonly usage: SandboxUsage;
}

export interface StorageSettings {
  readonly everyMs: number;
  /** limit of a sandbox that has none of its own */
  readonly defaultBytes: number;
}

/** Bytes of the limit per file allowed: ext4 has one inode for each 16 KiB. */
const BYTES_PER_ENTRY = 16 * 1024;
/** Bounds on the files allowed: what a package manager needs at least, and what can be counted in seconds. */
const ENTRIES = [10_000, 2_000_000] as const;

/**
 * Measures what sandboxes write, one after the other, and evicts those beyond their limits. There are no quotas on the
 * file systems below containers: the kernel's need a mount option that nodes do not have.
 */
export class StorageWatch implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(StorageWatch.name);
  private readonly stopping = new AbortController();
  /** last measurement of each running sandbox, by id */
  readonly footprints = new Map<string, Footprint>();

  constructor(
    private readonly parts: StorageParts,
    private readonly settings: StorageSettings,
  ) {}

  onApplicationBootstrap(): void {
    void this.run();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.parts.usage.stop();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (;;) {
      await sleep(this.settings.everyMs, undefined, { signal }).catch(() => undefined);
      for (const { sandboxId } of this.parts.table.list()) {
        if (signal.aborted) return;
        if (this.runs(sandboxId)) await this.look(sandboxId);
      }
      if (signal.aborted) return;
      for (const id of this.footprints.keys()) if (!this.runs(id)) this.footprints.delete(id);
    }
  }

  private runs(id: string): boolean {
    return this.parts.table.get(id)?.phase === 'running';
  }

  private async look(id: string): Promise<void> {
    const { admission, exits, usage: meter } = this.parts;
    const own = admission.storageOf(id) ?? 0;
    const allowed = own > 0 ? own : this.settings.defaultBytes;
    const entries = entriesFor(allowed);
    try {
      const { usage, logBytes, footprint } = await meter.measure(id, { bytes: allowed, entries });
      this.footprints.set(id, footprint);
      if (!exceeds(usage, { bytes: allowed - logBytes, entries })) return;
      await exits.evict(id, { reason: 'EphemeralStorageExceeded', message: complaint(usage, logBytes, allowed) });
    } catch (error) {
      if (!this.stopping.signal.aborted)
        this.logger.warn({ msg: 'a sandbox was not measured', sandbox: id, error: messageOf(error) });
    }
  }
}

/** Files that a limit in bytes allows. Pure. */
export function entriesFor(bytes: number): number {
  const [least, most] = ENTRIES;
  return Math.min(most, Math.max(least, Math.floor(bytes / BYTES_PER_ENTRY)));
}

function complaint({ bytes, entries, tooDeep }: DiskUsage, logBytes: number, allowed: number): string {
  const used = `used at least ${bytes + logBytes} bytes (${logBytes} of them its log) in ${entries} files, allowed are`;
  const depth = tooDeep ? '; its folders are nested too deeply to be measured' : '';
  return `ephemeral storage: ${used} ${allowed} bytes in ${entriesFor(allowed)} files${depth}`;
}
