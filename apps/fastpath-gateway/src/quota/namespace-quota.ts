import { HARD, LimitError, overLimit } from '@fsb/quota/limits';
import { type NamespaceLimits } from '@fsb/quota/namespace-limits';
import { usageOf } from '@fsb/quota/usage';
import { type UsageLedger } from '@fsb/quota/usage-ledger';
import { type ValidatedCreate } from '../create/validated-create';
import { type PendingRecords } from '../sandboxes/pending-records';
import { type CreateRate } from './create-rate';

export interface QuotaParts {
  readonly limits: NamespaceLimits;
  readonly ledger: UsageLedger;
  readonly rate: CreateRate;
  readonly records: PendingRecords;
  /** rate of a namespace whose ResourceQuotas set none; 0: unlimited */
  readonly createsPerSecond: number;
}

/** Enforces the ResourceQuotas of a namespace and its rate of creates. */
export class NamespaceQuota {
  constructor(private readonly parts: QuotaParts) {}

  /** Counts one create. @throws LimitError createsPerSecond, with the time until the next may come */
  countCreate(namespace: string): void {
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
   * Runs `make` while holding the usage of the sandbox in the ledger. The hold ends when `make` fails, or when the
   * pending record is settled and the object accounts for the usage itself.
   * @throws LimitError when the namespace would exceed a quota
   * @throws ApiError invalid_argument, when a quota requires resources that the create does not name
   * @throws whatever `make` throws
   */
  async during<T>(order: ValidatedCreate, make: () => Promise<T>): Promise<T> {
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
