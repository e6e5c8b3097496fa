import { makePoolDemand, type PoolDemandObject } from '@fsb/api/pool-demand';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { UnmetCreateIndex } from './unmet-create-index';

const pool = (uid = 'u', name = 'p'): SandboxPool => ({
  apiVersion: 'sandbox.fast.io/v1alpha1',
  kind: 'SandboxPool',
  metadata: { name, namespace: 'n', uid },
  spec: {},
});
const PORTS = new Map([[8080, 2]]);
const note = (replica: string, unmet: number, more: { pool?: string; poolUid?: string } = {}): PoolDemandObject =>
  makePoolDemand({ namespace: 'n', pool: 'p', poolUid: 'u', unmet, ports: PORTS, ...more }, replica, new Date());

let demand: UnmetCreateIndex;
beforeEach(() => {
  demand = new UnmetCreateIndex();
});

it('UnmetCreateIndex: sums the gateways, each once', () => {
  expect(demand.changed(note('a', 2), undefined, 0)).toEqual(['n/p']);
  demand.changed(note('b', 3), undefined, 0);
  demand.changed(note('b', 4), note('b', 3), 1_000);
  demand.changed(note('b', 9, { pool: 'q' }), undefined, 0);
  expect(demand.of(pool(), 2_000)).toEqual({
    ...{ count: 6, ports: new Map([[8080, 4]]), expired: [], againInMs: 28_000 },
  });
  demand.changed(undefined, note('b', 4), 2_000);
  expect(demand.of(pool(), 2_000).count).toBe(2);
});

it('UnmetCreateIndex: counts a stale ConfigMap for 30 s of its own clock, then reports it as expired', () => {
  demand.changed(note('dead', 5), undefined, 1_000);
  demand.changed(note('live', 1), undefined, 1_000);
  demand.changed(note('live', 1), note('live', 1), 20_000);
  expect(demand.of(pool(), 30_999)).toMatchObject({ count: 6, againInMs: 1 });
  const { count, expired, againInMs } = demand.of(pool(), 31_000);
  expect([count, expired.map(({ metadata }) => metadata.name), againInMs]).toEqual([1, ['p-demand-dead'], 19_000]);
});

it('UnmetCreateIndex: ignores an earlier pool of the same name, and malformed ConfigMaps', () => {
  demand.changed(note('a', 2, { poolUid: 'of the one before' }), undefined, 0);
  const junk = note('b', 2);
  expect(demand.changed({ ...junk, data: { unmet: 'lots' } }, undefined, 0)).toEqual([]);
  expect(demand.of(pool(), 1)).toEqual({ count: 0, ports: new Map(), expired: [] });
});
