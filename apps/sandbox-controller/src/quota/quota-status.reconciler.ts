import { type Informer } from '@fsb/controller-runtime/informer';
import { keyOf, RESOURCE_QUOTA_KIND, type ResourceQuota, splitKey } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type Reconciler } from '@fsb/controller-runtime/reconciler';
import { type WorkQueue } from '@fsb/controller-runtime/work-queue';
import { type UsageLedger } from '@fsb/quota/usage-ledger';
import { quotaStatusPatch } from './quota-status-plan';

/** Shortest interval between two writes of one quota's status. */
const WRITE_EVERY_MS = 1_000;

export interface QuotaStatusParts {
  readonly client: KubeClient;
  readonly quotas: Informer<ResourceQuota>;
  readonly ledger: UsageLedger;
  /** false on a cluster, whose own quota controller counts objects */
  readonly countsObjects: boolean;
}

/** Writes the limits on sandboxes, and their use in the namespace, into the status of each ResourceQuota. */
export class QuotaStatusReconciler implements Reconciler {
  constructor(private readonly parts: QuotaStatusParts) {}

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { client, quotas, ledger, countsObjects } = this.parts;
    const quota = quotas.get(key);
    if (!quota) return;
    const { namespace, name } = splitKey(key);
    const status = quotaStatusPatch(quota, ledger.of(namespace), countsObjects);
    if (status) await client.patchStatus(RESOURCE_QUOTA_KIND, { namespace, name }, { status }, { signal });
  }
}

/** Enqueues quotas whose spec, status or use has changed; all but changes of spec are batched. */
export function enqueueQuotas({ quotas, ledger }: QuotaStatusParts, queue: WorkQueue): void {
  quotas.onChange((key, current, previous) => {
    const isStatusOnly = JSON.stringify(current?.spec) === JSON.stringify(previous?.spec);
    queue.addAfter(key, isStatusOnly ? WRITE_EVERY_MS : 0); // our own write comes back as a change of status
  });
  ledger.onChange((namespace) => {
    for (const quota of quotas.list(namespace)) queue.addAfter(keyOf(quota), WRITE_EVERY_MS);
  });
}
