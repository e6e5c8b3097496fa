import { type Lease } from '@fsb/controller-runtime/kinds';

/**
 * How long a Lease has been held without a gap, by this process's own monotonic clock: what it has not seen does not count,
 * and the clocks of the replicas need not agree.
 */
export class LeaseWatch {
  private heldSince: number | undefined;
  private renewedAt = 0;
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
    if (now - this.renewedAt > leaseDurationSeconds * 1000) this.heldSince = undefined;
    this.heldSince ??= now;
    this.renewedAt = now;
    this.lastRenewTime = renewTime;
  }

  /** Milliseconds from the first to the last renewal of the present unbroken run. */
  heldMs(): number {
    return this.heldSince === undefined ? 0 : this.renewedAt - this.heldSince;
  }
}
