import { type Sandbox, type SandboxResources } from '@fsb/api/sandbox';
import { overLimit } from '@fsb/quota/limits';
import { type NamespaceLimits } from '@fsb/quota/namespace-limits';
import { usageOf } from '@fsb/quota/usage';
import { type UsageLedger } from '@fsb/quota/usage-ledger';
import { splitKey } from '@fsb/controller-runtime/kinds';

/** Whether a namespace may have one more sandbox placed. Gateways ask before they create; this is for what kubectl made. */
export class PlacementQuota {
  constructor(
    private readonly limits: NamespaceLimits,
    private readonly ledger: UsageLedger,
  ) {}

  /** @returns why it must wait; else room is kept for it, until its object says where it is */
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
   * For a container that runs and has no object yet; it is not counted twice.
   * @returns why its namespace may not have it; else room is kept for it, until its object is there
   */
  adoptionRefusal(key: string, resources: SandboxResources): string | undefined {
    this.ledger.setReported(key, undefined);
    return this.keepRoom(key, resources);
  }
}

/** What waits takes nothing: two that wait would else keep each other waiting. */
export function isPlaced({ status }: Sandbox): boolean {
  return status?.phase !== undefined && status.phase !== 'Pending';
}
