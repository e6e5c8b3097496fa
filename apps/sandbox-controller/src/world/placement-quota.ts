import { type Sandbox, type SandboxResources } from '@fsb/api/sandbox';
import { overLimit } from '@fsb/quota/limits';
import { type NamespaceLimits } from '@fsb/quota/namespace-limits';
import { usageOf } from '@fsb/quota/usage';
import { type UsageLedger } from '@fsb/quota/usage-ledger';
import { splitKey } from '@fsb/controller-runtime/kinds';

/** Quota check before a placement, for objects that kubectl made. Gateways check theirs before the create. */
export class PlacementQuota {
  constructor(
    private readonly limits: NamespaceLimits,
    private readonly ledger: UsageLedger,
  ) {}

  /** Reserves quota for the object until it is placed. @returns why it must wait; undefined: reserved, or no limits */
  keepRoom(key: string, resources: SandboxResources): string | undefined {
    const { namespace } = splitKey(key);
    const limits = this.limits.of(namespace);
    if (!limits) return undefined;
    this.ledger.setObject(key, undefined); // from an earlier try
    const usage = usageOf(resources);
    const refusal = overLimit(limits, this.ledger.of(namespace), { namespace, resources, usage });
    if (!refusal) this.ledger.setObject(key, usage);
    return refusal?.message;
  }

  /**
   * Reserves quota for a running container until its object exists. Its report no longer counts, lest it counts twice.
   * @returns why its namespace may not have it; undefined: reserved, or no limits
   */
  adoptionRefusal(key: string, resources: SandboxResources): string | undefined {
    this.ledger.setReported(key, undefined);
    return this.keepRoom(key, resources);
  }
}

/** Whether a sandbox counts against the quota. Pending ones do not: two of them would block each other. */
export function isPlaced({ status }: Sandbox): boolean {
  return status?.phase !== undefined && status.phase !== 'Pending';
}
