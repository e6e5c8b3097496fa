import { backOffMs } from '@fsb/kit/back-off';

/** Observer of a queue, which the metrics implement. */
export interface QueueObserver {
  added(): void;
  retried(): void;
  /** a worker took a key */
  taken(waitedSeconds: number): void;
}

/** Back-off of failed keys; by default 5 ms to 60 s, client-go's per-item limiter with a lower maximum. */
export interface WorkQueueOptions {
  readonly baseDelayMs?: number;
  readonly maxDelayMs?: number;
  readonly observer?: QueueObserver;
}

/**
 * A work queue like client-go's: at most one entry per key, and never a key at two workers at once. A key that is added
 * while being processed is queued again after `done`.
 */
export class WorkQueue {
  /** FIFO of keys with their arrival time; a Map iterates in insertion order */
  private readonly pending = new Map<string, number>();
  private readonly processing = new Set<string>();
  /** added again while processing */
  private readonly dirty = new Set<string>();
  private readonly failures = new Map<string, number>();
  private readonly timers = new Map<string, { due: number; timer: NodeJS.Timeout }>();
  private readonly waiters: ((key: string | undefined) => void)[] = [];
  private closed = false;
  private paused = false;

  constructor(private readonly options: WorkQueueOptions = {}) {}

  /** Drops added keys until `resume`: a replica that stands by for weeks must not collect them. */
  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  get depth(): number {
    return this.pending.size;
  }

  add(key: string): void {
    if (this.closed || this.paused) return;
    if (this.processing.has(key)) {
      this.dirty.add(key);
      return;
    }
    if (!this.pending.has(key)) this.options.observer?.added();
    const waiter = this.waiters.shift();
    if (!waiter) {
      if (!this.pending.has(key)) this.pending.set(key, performance.now());
      return;
    }
    this.processing.add(key);
    this.options.observer?.taken(0);
    waiter(key);
  }

  /** Adds a key after a delay; of several delays the earliest applies. */
  addAfter(key: string, delayMs: number): void {
    if (this.closed || this.paused) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const due = performance.now() + delayMs;
    const scheduled = this.timers.get(key);
    if (scheduled && scheduled.due <= due) return;
    if (scheduled) clearTimeout(scheduled.timer);
    const timer = setTimeout(() => {
      this.timers.delete(key);
      this.add(key);
    }, delayMs);
    this.timers.set(key, { due, timer });
  }

  /** Adds a failed key with exponential back-off, until `forget` resets it. */
  addRateLimited(key: string): void {
    const { baseDelayMs = 5, maxDelayMs = 60_000, observer } = this.options;
    const failures = this.failures.get(key) ?? 0;
    this.failures.set(key, failures + 1);
    observer?.retried();
    this.addAfter(key, backOffMs(failures, { firstMs: baseDelayMs, lastMs: maxDelayMs }));
  }

  forget(key: string): void {
    this.failures.delete(key);
  }

  /** Resolves with the next key, or undefined once the queue is closed. The caller must call `done` for each key. */
  get(): Promise<string | undefined> {
    const [next] = this.pending;
    if (next === undefined) {
      if (this.closed) return Promise.resolve(undefined);
      return new Promise((resolve) => this.waiters.push(resolve));
    }
    const [key, since] = next;
    this.pending.delete(key);
    this.processing.add(key);
    this.options.observer?.taken((performance.now() - since) / 1000);
    return Promise.resolve(key);
  }

  done(key: string): void {
    this.processing.delete(key);
    if (this.dirty.delete(key)) this.add(key);
  }

  /** Takes no more keys and drops the pending ones. Workers finish the keys they have. */
  close(): void {
    this.closed = true;
    for (const { timer } of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    this.pending.clear();
    for (const waiter of this.waiters.splice(0)) waiter(undefined);
  }
}
