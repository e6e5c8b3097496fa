import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@fsb/api/errors';
import { type AuditEvent } from './audit-event';
import { type AuditTarget } from './audit-target';

/** Longest time for which a record is only in memory, where a SIGKILL loses it. */
const FLUSH_MS = 100;
/** Queue and batch have kube-apiserver's sizes; 10,000 records are about 10 MB. */
const MAX_QUEUED = 10_000;
const MAX_BATCH = 400;
const RETRY_MS = 250;
/** Interval of complaints in the process's own log while the audit log cannot be written. */
const COMPLAIN_MS = 10_000;
/** Time to write the rest when the process ends. */
const CLOSE_MS = 2_000;

export interface AuditLogParts {
  readonly target: AuditTarget;
  readonly logger: { error(line: object): void };
  readonly metrics?: { written(events: number): void; lost(events: number): void };
}

/**
 * Writes records behind their calls, in batches. A slow or full target never blocks a call: records beyond the queue
 * are dropped, counted and logged.
 */
export class AuditLog {
  private queue: AuditEvent[] = [];
  private unwritten: Buffer = Buffer.alloc(0);
  private inBatch = 0;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;
  private isClosing = false;
  private lost = 0;
  private complainedAt = -Infinity;

  constructor(private readonly parts: AuditLogParts) {}

  record(event: AuditEvent): void {
    if (this.queue.length >= MAX_QUEUED) {
      this.drop(1, 'the audit log is slower than the calls');
      return;
    }
    this.queue.push(event);
    this.timer ??= setTimeout(() => {
      this.writing = this.write();
    }, FLUSH_MS);
  }

  /** Counts records that are lost, and logs why. */
  drop(events: number, why: string): void {
    this.lost += events;
    this.parts.metrics?.lost(events);
    this.complain(why);
  }

  /** Writes the rest, for at most two seconds. */
  async close(): Promise<void> {
    this.isClosing = true;
    clearTimeout(this.timer);
    const written = (async () => {
      await this.writing;
      await this.write();
      await this.parts.target.close();
    })();
    await Promise.race([written, sleep(CLOSE_MS)]);
    const left = this.queue.length + this.inBatch;
    if (left > 0) this.drop(left, 'the process ends');
  }

  private async write(): Promise<void> {
    const { target, metrics } = this.parts;
    while (this.inBatch > 0 || this.queue.length > 0) {
      if (this.inBatch === 0) this.takeBatch();
      try {
        this.unwritten = this.unwritten.subarray(await target.write(this.unwritten));
      } catch (error) {
        this.complain(messageOf(error));
        await sleep(RETRY_MS, undefined, { ref: !this.isClosing });
        continue;
      }
      if (this.unwritten.length > 0) continue;
      metrics?.written(this.inBatch);
      this.inBatch = 0;
    }
    this.timer = undefined;
  }

  private takeBatch(): void {
    const batch = this.queue.slice(0, MAX_BATCH);
    this.queue = this.queue.slice(MAX_BATCH);
    this.inBatch = batch.length;
    this.unwritten = Buffer.from(batch.map((event) => `${JSON.stringify(event)}\n`).join(''));
  }

  private complain(why: string): void {
    const now = performance.now();
    if (now - this.complainedAt < COMPLAIN_MS) return;
    this.complainedAt = now;
    const waiting = this.queue.length + this.inBatch;
    this.parts.logger.error({ msg: 'audit records are not written', why, waiting, lost: this.lost });
  }
}
