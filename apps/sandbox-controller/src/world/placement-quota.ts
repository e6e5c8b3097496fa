import { type Sandbox, type SandboxResources } from '@fsb/api/sandbox';
import { overLimit } from '@fsb/quota/limits';
import { type NamespaceLimits } from '@fsb/quota/namespace-limits';
import { NOTHING, usageOf } from '@fsb/quota/usage';
import { type UsageLedger } from '@fsb/quota/usage-ledger';
import { type Informer } from '@fsb/controller-runtime/informer';
import { splitKey } from '@fsb/controller-runtime/kinds';

/** Quota check before a placement, for objects that kubectl made. Gateways check theirs before the create. */
export class PlacementQuota {
  constructor(
    private readonly limits: NamespaceLimits,
    private readonly ledger: UsageLedger,
  ) {}

  /**
   * Checks without booking: a plan may yet decide to wait.
   * @param key of an object that is Pending by a live read
   * @returns why it must wait; undefined: there is room, or there are no limits
   */
  refusal(key: string, resources: SandboxResources): string | undefined {
    this.ledger.setObject(key, undefined); // the cache may be behind
    this.ledger.release(key);
    return this.tooMuch(key, resources);
  }

  /** Books quota for the object until it is placed or released. @returns as {@link refusal} */
  keepRoom(key: string, resources: SandboxResources): string | undefined {
    const refusal = this.refusal(key, resources);
    if (refusal === undefined && this.limits.of(splitKey(key).namespace)) this.ledger.hold(key, usageOf(resources));
    return refusal;
  }

  /** Ends the booking of {@link keepRoom}. */
  release(key: string): void {
    this.ledger.release(key);
  }

  /** Ends the booking of each object once it counts itself, or is gone. Call it before the informer starts. */
  follow(sandboxes: Informer<Sandbox>): void {
    sandboxes.onChange((key, sandbox) => {
      if (!sandbox || isPlaced(sandbox)) this.release(key);
    });
  }

  /**
   * Checks a running container without an object. It books nothing: the container's report counts until its object
   * does, also when the API server refuses that object. The report of a container that is refused here counts no more.
   * @returns why its namespace may not have it; undefined: it may, or there are no limits
   */
  adoptionRefusal(key: string, resources: SandboxResources): string | undefined {
    this.ledger.setObject(key, undefined); // absent by a live read
    this.ledger.hold(key, NOTHING); // in place of its own report
    const refusal = this.tooMuch(key, resources);
    if (refusal !== undefined) this.ledger.setReported(key, undefined);
    this.ledger.release(key);
    return refusal;
  }

  private tooMuch(key: string, resources: SandboxResources): string | undefined {
    const { namespace } = splitKey(key);
    const limits = this.limits.of(namespace);
    if (!limits) return undefined;
    return overLimit(limits, this.ledger.of(namespace), { namespace, resources, usage: usageOf(resources) })?.message;
  }
}

/** Whether a sandbox counts against the quota. Pending ones do not: two of them would block each other. */
export function isPlaced({ status }: Sandbox): boolean {
  return status?.phase !== undefined && status.phase !== 'Pending';
}
