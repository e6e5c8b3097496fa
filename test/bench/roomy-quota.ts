import { type ResourceQuota } from '@fsb/controller-runtime/kinds';

/** Limits far above the load: every create is still counted and checked against them. */
export const ROOMY_QUOTA: ResourceQuota = {
  ...{ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'bench', namespace: 'default' } },
  spec: { hard: { 'count/sandboxes.sandbox.fast.io': '1000000', 'sandbox.fast.io/creates-per-second': '100000' } },
};
