import { makePoolDemand, MAX_UNMET, type PoolDemandObject, readPoolDemand } from './pool-demand';

const ports = new Map([
  [8080, 2],
  [9090, 1],
]);
const demand = { namespace: 'n', pool: 'p', poolUid: 'u', unmet: 3, ports };
const made = (): PoolDemandObject => makePoolDemand(demand, 'abc', new Date(0));

it('makePoolDemand: writes the demand, owned by its pool and named after the replica', () => {
  expect(readPoolDemand(made())).toEqual(demand);
  expect(made()).toMatchObject({
    kind: 'ConfigMap',
    metadata: {
      name: 'p-demand-abc',
      namespace: 'n',
      labels: { 'fast-sandbox.io/pool': 'p', 'fast-sandbox.io/pool-demand': 'true' },
      ownerReferences: [{ kind: 'SandboxPool', name: 'p', uid: 'u' }],
    },
    data: { unmet: '3', ports: '8080=2 9090=1', lastRefusal: '1970-01-01T00:00:00.000Z' },
  });
});

it.each<[string, Partial<PoolDemandObject>]>([
  ['without data', { data: undefined as never }],
  ['with a malformed number', { data: { unmet: 'many' } }],
  ['with a negative number', { data: { unmet: '-1' } }],
  ['with a fraction', { data: { unmet: '1.5' } }],
  ['with malformed ports', { data: { unmet: '1', ports: '8080' } }],
  ['of no pool', { metadata: { ...made().metadata, labels: {} } }],
  ['of an owner of another name', { metadata: { ...made().metadata, labels: { 'fast-sandbox.io/pool': 'q' } } }],
  ['without an owner', { metadata: { ...made().metadata, ownerReferences: [] } }],
])('readPoolDemand: rejects one %s', (_what, more) => {
  expect(readPoolDemand({ ...made(), ...more })).toBeUndefined();
});

it('readPoolDemand: needs no ports, which an older gateway does not write', () => {
  expect(readPoolDemand({ ...made(), data: { unmet: '1' } })).toMatchObject({ unmet: 1, ports: new Map() });
});

it('readPoolDemand: caps the unmet creates', () => {
  expect(readPoolDemand({ ...made(), data: { unmet: '999999999' } })?.unmet).toBe(MAX_UNMET);
});
