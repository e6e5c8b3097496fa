import { type Lease } from '@fsb/controller-runtime/kinds';

/**
 * How long a Lease has been held without a gap, by this process's own monotonic clock: what it has not seen does not count,
 * and the clocks of the replicas need not agree.
 */
export class LeaseWatch {
  private heldSince: number | undefined;
  private renewedAt = 0;
  private durationMs = 0;
  private lastRenewTime: string | undefined;

  constructor(private readonly clock: () => number = () => performance.now()) {}

  observe(lease: Lease | undefined): void {
    const { holderIdentity, renewTime, leaseDurationSeconds = 0 } = lease?.spec ?? {};
    if (!holderIdentity) {
      this.heldSince = undefined;
      return;
    }
    if (renewTime === this.lastRenewTime) return;
    const now = this.clock();
    this.durationMs = leaseDurationSeconds * 1000;
    if (now - this.renewedAt > this.durationMs) this.heldSince = undefined;
    this.heldSince ??= now;
    this.renewedAt = now;
    this.lastRenewTime = renewTime;
  }

  /** Milliseconds from the first to the last renewal of the present unbroken run; 0 once the last one has run out. */
  heldMs(): number {
    if (this.heldSince === undefined || this.clock() - this.renewedAt > this.durationMs) return 0;
    return this.renewedAt - this.heldSince;
  }
}
