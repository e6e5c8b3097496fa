import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type SandboxExits } from '../sandboxes/sandbox-exits';
import { type SandboxTable } from '../sandboxes/sandbox-table';
import { type Footprint, largestGrower } from './grower-plan';
import { type SandboxUsage } from './sandbox-usage';

export interface FreeSpaceParts {
  readonly table: SandboxTable;
  readonly exits: Pick<SandboxExits, 'evict'>;
  readonly runtime: Pick<SandboxRuntime, 'writableLayer'>;
  readonly usage: SandboxUsage;
  /** as {@link StorageWatch} measured them last */
  readonly footprints: ReadonlyMap<string, Footprint>;
}

export interface FreeSpaceSettings {
  /** free bytes to keep on the file system of containerd's snapshots */
  readonly leastBytes: number;
  readonly everyMs: number;
  /** pause before sandboxes are measured again, where none had grown or one was ended */
  readonly againMs: number;
}

const NO_LIMITS = { bytes: Number.MAX_SAFE_INTEGER, entries: 2_000_000 };

/**
 * Evicts a sandbox where the file system of containerd's snapshots is low on free space: the one that has grown most
 * since there was enough, wherever it wrote and whatever its own limit is. Each agent of a node evicts one of its own.
 */
export class FreeSpaceWatch implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(FreeSpaceWatch.name);
  private readonly stopping = new AbortController();
  /** containerd's folder of snapshots, known from the first sandbox on */
  private snapshots: string | undefined;
  /** footprints when there was last enough space */
  private before: ReadonlyMap<string, Footprint> = new Map();
  private wasLow = false;

  constructor(
    private readonly parts: FreeSpaceParts,
    private readonly settings: FreeSpaceSettings,
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
    let pauseMs = this.settings.everyMs;
    while (!signal.aborted) {
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      pauseMs = await this.tick().catch((error: unknown) => {
        this.logger.warn({ msg: 'the free space could not be checked', error: messageOf(error) });
        return this.settings.againMs;
      });
    }
  }

  /** @returns milliseconds until the next tick */
  private async tick(): Promise<number> {
    if (this.stopping.signal.aborted || !(await this.isLow())) return this.settings.everyMs;
    await this.relieve();
    return this.settings.againMs;
  }

  private async isLow(): Promise<boolean> {
    const free = await this.free();
    const isLow = free !== undefined && free < this.settings.leastBytes;
    if (isLow) return true;
    this.before = new Map(this.parts.footprints);
    this.wasLow = false;
    return false;
  }

  /** Free bytes. @returns undefined where no sandbox runs, or the folder of snapshots is not known yet */
  private async free(): Promise<number | undefined> {
    const running = this.running();
    this.snapshots ??= await this.folderOfSnapshots(running);
    if (this.snapshots === undefined || running.length === 0) return undefined;
    const { bavail, bsize } = await statfs(this.snapshots);
    return bavail * bsize;
  }

  private async folderOfSnapshots(running: readonly string[]): Promise<string | undefined> {
    for (const id of running) {
      const layer = await this.parts.runtime.writableLayer(id);
      if (layer !== undefined) return dirname(dirname(layer)); // …/snapshots/<number>/fs
    }
    return undefined;
  }

  private async relieve(): Promise<void> {
    const now = new Map<string, Footprint>();
    for (const id of this.running()) {
      if (this.stopping.signal.aborted) return;
      now.set(id, (await this.parts.usage.measure(id, NO_LIMITS)).footprint);
    }
    const grower = largestGrower(this.before, now);
    const free = await this.free();
    if (grower && free !== undefined && free < this.settings.leastBytes) {
      this.before = now;
      const { id: sandbox, grown } = grower;
      this.logger.warn({ msg: 'little space is left: the sandbox that has grown most is ended', sandbox, grown, free });
      const message = `the node was low on storage: ${free} bytes were free where containerd has its snapshots, ${this.settings.leastBytes} are kept; this sandbox had grown most, by ${grown} bytes`;
      await this.parts.exits.evict(sandbox, { reason: 'Evicted', message });
    } else if (!this.wasLow && !grower) {
      this.logger.warn({ msg: 'little space is left, and no sandbox has grown', free });
    }
    this.wasLow = true;
  }

  private running(): string[] {
    return this.parts.table.list().flatMap(({ sandboxId, phase }) => (phase === 'running' ? [sandboxId] : []));
  }
}
