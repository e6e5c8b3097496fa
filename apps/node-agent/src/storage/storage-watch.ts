import { setTimeout as sleep } from 'node:timers/promises';
import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type Admission } from '../sandboxes/admission';
import { type SandboxExits } from '../sandboxes/sandbox-exits';
import { type SandboxFolder } from '../sandboxes/sandbox-files';
import { type SandboxTable } from '../sandboxes/sandbox-table';
import { exceeds, type Usage, type UsageLimits } from './disk-usage';
import { type UsageMeter } from './usage-meter';

export interface StorageParts {
  readonly admission: Pick<Admission, 'storageOf'>;
  readonly table: SandboxTable;
  readonly exits: Pick<SandboxExits, 'evict'>;
  readonly runtime: Pick<SandboxRuntime, 'writableLayer'>;
  readonly folder: Pick<SandboxFolder, 'bytesOnDisk'>;
  readonly meter: UsageMeter;
}

export interface StorageSettings {
  readonly everyMs: number;
  /** of a sandbox that nobody has limited */
  readonly defaultBytes: number;
}

/** Files cost inodes: one for each 16 KiB, as ext4 has them. */
const BYTES_PER_ENTRY = 16 * 1024;
/** What a package manager needs also where little may be written; and what is still counted in seconds. */
const ENTRIES = [10_000, 2_000_000] as const;
const NOTHING: Usage = { bytes: 0, entries: 0, tooDeep: false };

/**
 * There are no quotas on the file systems below containers (the kernel's need a mount option that nodes do not have): what
 * sandboxes write is measured, one after the other, and who has written more than it may is ended.
 */
export class StorageWatch implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(StorageWatch.name);
  private readonly stopping = new AbortController();

  constructor(
    private readonly parts: StorageParts,
    private readonly settings: StorageSettings,
  ) {}

  onApplicationBootstrap(): void {
    void this.run();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.parts.meter.stop();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (;;) {
      await sleep(this.settings.everyMs, undefined, { signal }).catch(() => undefined);
      for (const { sandboxId, phase } of this.parts.table.list()) {
        if (signal.aborted) return;
        if (phase === 'running') await this.look(sandboxId);
      }
      if (signal.aborted) return;
    }
  }

  private async look(id: string): Promise<void> {
    const { admission, exits, folder } = this.parts;
    const own = admission.storageOf(id) ?? 0;
    const allowed = own > 0 ? own : this.settings.defaultBytes;
    try {
      const logBytes = await folder.bytesOnDisk(id);
      const limits = { bytes: allowed - logBytes, entries: entriesFor(allowed) };
      const usage = limits.bytes < 0 ? NOTHING : await this.measure(id, limits);
      if (!exceeds(usage, limits)) return;
      await exits.evict(id, { reason: 'EphemeralStorageExceeded', message: complaint(usage, logBytes, allowed) });
    } catch (error) {
      if (!this.stopping.signal.aborted)
        this.logger.warn({ msg: 'a sandbox was not measured', sandbox: id, error: messageOf(error) });
    }
  }

  private async measure(id: string, limits: UsageLimits): Promise<Usage> {
    const layer = await this.parts.runtime.writableLayer(id);
    return layer === undefined ? NOTHING : this.parts.meter.measure(layer, limits);
  }
}

/** How many files may lie in so much storage. Pure. */
export function entriesFor(bytes: number): number {
  const [least, most] = ENTRIES;
  return Math.min(most, Math.max(least, Math.floor(bytes / BYTES_PER_ENTRY)));
}

function complaint({ bytes, entries, tooDeep }: Usage, logBytes: number, allowed: number): string {
  const used = `used at least ${bytes + logBytes} bytes (${logBytes} of them its log) in ${entries} files, allowed are`;
  const depth = tooDeep ? '; its folders are nested too deeply to be measured' : '';
  return `ephemeral storage: ${used} ${allowed} bytes in ${entriesFor(allowed)} files${depth}`;
}
