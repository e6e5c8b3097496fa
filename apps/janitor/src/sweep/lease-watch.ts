import { type Lease } from '@fsb/controller-runtime/kinds';

/**
 * Measures how long a Lease was held without a gap, by this process's monotonic clock. Only observed renewals count;
 * the replicas' clocks need not agree.
 */
export class LeaseWatch {
  private heldSince: number | undefined;
  private renewedAt = 0;
  private durationMs = 0;
  private lastRenewTime: string | undefined;

  constructor(private readonly clock: () => number = () => performance.now()) {}

  /** Notes the present Lease. One that is absent or has no holder ends the run. */
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

  /** Milliseconds from the first to the last renewal of the present unbroken run; 0 once the Lease has expired. */
  heldMs(): number {
    if (this.heldSince === undefined || this.clock() - this.renewedAt > this.durationMs) return 0;
    return this.renewedAt - this.heldSince;
  }
}
