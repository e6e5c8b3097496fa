import { type ResourceQuota } from '@fsb/controller-runtime/kinds';
import { NOTHING, type Usage } from '@fsb/quota/usage';
import { quotaStatusPatch } from './quota-status-plan';

const COUNT = 'count/sandboxes.sandbox.fast.io';
const CPU = 'sandbox.fast.io/cpu';
const MEMORY = 'sandbox.fast.io/memory';
const RATE = 'sandbox.fast.io/creates-per-second';
const USAGE: Usage = { ...NOTHING, sandboxes: 3, milliCpu: 1100, memory: 3 * 2 ** 26 };

const quota = (hard: Record<string, string | number>, status?: ResourceQuota['status'], more = {}): ResourceQuota => ({
  metadata: { name: 'q', namespace: 'n' },
  spec: { hard, ...more },
  ...(status && { status }),
});

describe('quotaStatusPatch', () => {
  it.each<[string, ResourceQuota, boolean, unknown]>([
    [
      'writes limits and use, in whole numbers',
      quota({ [COUNT]: 100, [CPU]: 40, [MEMORY]: '64Gi', [RATE]: 50 }),
      true,
      {
        hard: { [COUNT]: '100', [CPU]: '40', [MEMORY]: '64Gi', [RATE]: '50' },
        used: { [COUNT]: '3', [CPU]: '2', [MEMORY]: '192Mi', [RATE]: '0' },
      },
    ],
    ["leaves the count of objects to the cluster's quota controller", quota({ [COUNT]: 100 }), false, undefined],
    ['leaves other names alone', quota({ pods: 3 }, { hard: { pods: '3' }, used: { pods: '1' } }), true, undefined],
    ['leaves a quota for Pods alone', quota({ [CPU]: 1 }, undefined, { scopes: ['BestEffort'] }), true, undefined],
    [
      'writes nothing if only the form of a quantity differs',
      quota({ [MEMORY]: '1024Mi' }, { hard: { [MEMORY]: '1Gi' }, used: { [MEMORY]: '201326592' } }),
      true,
      undefined,
    ],
    [
      'writes only changed values',
      quota({ [COUNT]: 9, [CPU]: 4 }, { hard: { [COUNT]: '9', [CPU]: '4' }, used: { [COUNT]: '2', [CPU]: '2' } }),
      true,
      { hard: {}, used: { [COUNT]: '3' } },
    ],
    [
      'removes the status of a removed limit',
      quota({ [CPU]: 4 }, { hard: { [CPU]: '4', [MEMORY]: '1Gi' }, used: { [CPU]: '2', [MEMORY]: '0' } }),
      true,
      { hard: { [MEMORY]: null }, used: { [MEMORY]: null } },
    ],
  ])('%s', (_what, object, countsObjects, patch) => {
    expect(quotaStatusPatch(object, USAGE, countsObjects)).toEqual(patch);
  });
});
