import { setTimeout as sleep } from 'node:timers/promises';
import { withDeadline } from './deadline';

/** The fields of a Lease that an election uses; `version` is its resourceVersion. */
export interface LeaseRecord {
  readonly holder: string;
  readonly durationSeconds: number;
  readonly transitions: number;
  readonly renewTime: Date;
  readonly version?: string;
}

/**
 * Storage of the record. `put` must fail for a stale `version`: this conflict makes the election safe. Both calls must
 * reject once `signal` aborts: a hung call would let a leader go on with a lease that it has lost.
 */
export interface LeaseLock {
  get(signal: AbortSignal): Promise<LeaseRecord | undefined>;
  put(record: LeaseRecord, signal: AbortSignal): Promise<LeaseRecord>;
}

export interface LeaderElectionOptions {
  readonly identity: string;
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
}

const RELEASE_TRIES = 3;

/**
 * client-go's leader election. A candidate takes the lease once it has seen the same record unrenewed for a whole lease
 * duration by its own monotonic clock, so the clocks of the replicas need not agree.
 */
export class LeaderElector {
  private observed: { record: LeaseRecord; at: number } | undefined;

  constructor(
    private readonly lock: LeaseLock,
    private readonly options: LeaderElectionOptions,
  ) {
    const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = options;
    if (leaseDurationMs <= renewDeadlineMs) throw new RangeError('leaseDurationMs must exceed renewDeadlineMs');
    if (renewDeadlineMs <= 1.2 * retryPeriodMs) throw new RangeError('renewDeadlineMs must exceed 1.2 × retryPeriodMs');
  }

  /**
   * Waits for the lease, runs `lead` and releases the lease.
   * @param lead gets a signal that aborts when the lease is lost, or with `signal`
   * @param signal ends the election. The lease is renewed until `lead` has returned, so that no other replica leads
   * during its last reconciles.
   */
  async run(lead: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!(await this.tryAcquireOrRenew(signal))) {
      if (signal.aborted) return;
      await this.pause(signal);
    }
    const lost = new AbortController();
    const over = new AbortController();
    const leading = lead(AbortSignal.any([signal, lost.signal])); // once per process: no leak
    const renewing = this.renew(over.signal).finally(() => {
      lost.abort();
    });
    await leading.finally(() => {
      over.abort();
    });
    await renewing;
    await this.release();
  }

  /** Returns once the lease is lost (no renewal within the renew deadline, or another holder seen) or `over` aborts. */
  private async renew(over: AbortSignal): Promise<void> {
    let kept = true;
    while (kept && !over.aborted) {
      kept = await withDeadline('renew', this.options.renewDeadlineMs, over, (deadline) =>
        this.renewOnce(deadline),
      ).catch(() => false);
    }
  }

  private async renewOnce(deadline: AbortSignal): Promise<boolean> {
    for (;;) {
      await this.pause(deadline);
      if (deadline.aborted) return false;
      if (await this.tryAcquireOrRenew(deadline)) return true;
      if (this.observed?.record.holder !== this.options.identity) return false;
    }
  }

  private async tryAcquireOrRenew(outer: AbortSignal): Promise<boolean> {
    try {
      const { renewDeadlineMs } = this.options;
      return await withDeadline('lease', renewDeadlineMs / 2, outer, (signal) => this.attempt(signal));
    } catch {
      return false; // unreachable API server, or a conflict: retried after the pause
    }
  }

  private async attempt(signal: AbortSignal): Promise<boolean> {
    const current = await this.lock.get(signal);
    if (current && current.version !== this.observed?.record.version) {
      this.observed = { record: current, at: performance.now() };
    }
    if (current && this.isHeldByOther(current)) return false;
    this.observed = { record: await this.lock.put(this.claimAfter(current), signal), at: performance.now() };
    return true;
  }

  private isHeldByOther({ holder, durationSeconds }: LeaseRecord): boolean {
    if (holder === '' || holder === this.options.identity) return false;
    return performance.now() - (this.observed?.at ?? 0) < durationSeconds * 1000;
  }

  private claimAfter(current: LeaseRecord | undefined): LeaseRecord {
    const { identity, leaseDurationMs } = this.options;
    const claim = { holder: identity, durationSeconds: leaseDurationMs / 1000, renewTime: new Date() };
    if (!current) return { ...claim, transitions: 0 };
    const transitions = current.transitions + (current.holder === identity ? 0 : 1);
    return { ...claim, transitions, ...(current.version === undefined ? {} : { version: current.version }) };
  }

  /** Releases the lease. A renewal cancelled in flight may still arrive, so the record is reread after a conflict. */
  private async release(): Promise<void> {
    const limit = AbortSignal.timeout(this.options.renewDeadlineMs / 2);
    for (let tries = 0; tries < RELEASE_TRIES && !limit.aborted; tries++) {
      try {
        const record = await this.lock.get(limit);
        if (record?.holder !== this.options.identity) return;
        await this.lock.put({ ...record, holder: '', durationSeconds: 1, renewTime: new Date() }, limit);
        return;
      } catch {
        continue; // after the last try, the lease expires by itself
      }
    }
  }

  /** Resolves early, without an error, when the signal aborts. */
  private async pause(signal: AbortSignal): Promise<void> {
    const ms = this.options.retryPeriodMs * (1 + 0.2 * Math.random());
    await sleep(ms, undefined, { signal }).catch(() => undefined);
  }
}
