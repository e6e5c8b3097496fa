import { type Informer } from '@fsb/controller-runtime/informer';
import { type ResourceQuota } from '@fsb/controller-runtime/kinds';
import { type QuotaLimits, limitsOf } from './limits';

/** The limits of each namespace, by its ResourceQuotas. */
export class NamespaceLimits {
  private readonly limits = new Map<string, QuotaLimits>();

  /** @param quotas must not have started */
  constructor(quotas: Informer<ResourceQuota>) {
    quotas.onChange((_key, current, previous) => {
      const namespace = (current ?? previous)?.metadata.namespace ?? '';
      const limits = limitsOf(quotas.list(namespace));
      if (Object.keys(limits).length > 0) this.limits.set(namespace, limits);
      else this.limits.delete(namespace);
    });
  }

  /** @returns undefined for a namespace without limits */
  of(namespace: string): QuotaLimits | undefined {
    return this.limits.get(namespace);
  }
}
