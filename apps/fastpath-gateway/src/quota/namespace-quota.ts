import { HARD, LimitError, overLimit } from '@fsb/quota/limits';
import { type NamespaceLimits } from '@fsb/quota/namespace-limits';
import { usageOf } from '@fsb/quota/usage';
import { type UsageLedger } from '@fsb/quota/usage-ledger';
import { type CreateOrder } from '../create/create-order';
import { type PendingRecords } from '../sandboxes/pending-records';
import { type CreateRate } from './create-rate';

export interface QuotaParts {
  readonly limits: NamespaceLimits;
  readonly ledger: UsageLedger;
  readonly rate: CreateRate;
  readonly records: PendingRecords;
  /** for a namespace whose quotas say nothing of it; 0: any number */
  readonly createsPerSecond: number;
}

/** How many sandboxes a namespace may have and how fast it may ask for them. */
export class NamespaceQuota {
  constructor(private readonly parts: QuotaParts) {}

  /** Counts one create. @throws LimitError with the limit, and when the next may come */
  takeTurn(namespace: string): void {
    const limit = this.parts.limits.of(namespace)?.createsPerSecond;
    const perSecond = limit?.value ?? this.parts.createsPerSecond;
    if (!limit && perSecond === 0) return;
    const waitMs = this.parts.rate.take(namespace, perSecond, performance.now());
    if (waitMs === 0) return;
    const where = limit
      ? `quota "${limit.quota}" of namespace "${namespace}" limits ${HARD.createsPerSecond} to ${limit.text}`
      : `namespace "${namespace}" may create ${perSecond} sandboxes a second`;
    const message = `${where} on each gateway; try again in ${waitMs} ms`;
    throw new LimitError('createsPerSecond', message, waitMs);
  }

  /**
   * Has room kept for a sandbox while it is made, and until its object says so itself.
   * @throws LimitError; ApiError invalid_argument for resources that a quota wants to be told; what `make` throws
   */
  async during<T>(order: CreateOrder, make: () => Promise<T>): Promise<T> {
    const { limits, records, ledger } = this.parts;
    const { namespace, name, spec } = order;
    const resources = spec.resources ?? {};
    const usage = usageOf(resources);
    const limited = limits.of(namespace);
    const refusal = limited && overLimit(limited, ledger.of(namespace), { namespace, resources, usage });
    if (refusal) throw refusal;
    const key = `${namespace}/${name}`;
    ledger.hold(key, usage);
    const release = (): void => {
      ledger.release(key);
    };
    try {
      const made = await make();
      records.whenSettled(key, release);
      return made;
    } catch (error) {
      release();
      throw error;
    }
  }
}
