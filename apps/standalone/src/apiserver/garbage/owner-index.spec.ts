import { type StoredObject } from '../kube-object';
import { type Ref } from '../store/tables';
import { OwnerIndex } from './owner-index';

const object = (name: string, owners: string[] = [], namespace = 'a'): StoredObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    ...{ name, namespace, uid: `uid-${name}` },
    ownerReferences: owners.map((owner) => ({ apiVersion: 'v1', kind: 'ConfigMap', name: owner, uid: `uid-${owner}` })),
  },
});
const ref = (name: string, namespace = 'a'): Ref => ({ resource: 'configmaps', namespace, name });

it('OwnerIndex: remove returns the dependents of the object, and no other', () => {
  const index = new OwnerIndex();
  for (let i = 0; i < 1_000; i++) index.put(ref(`free-${i}`), object(`free-${i}`), undefined);
  index.put(ref('owner'), object('owner'), undefined);
  index.put(ref('owned'), object('owned', ['owner']), undefined);
  expect(index.remove(ref('free-7'), object('free-7'))).toEqual([]);
  expect(index.isOrphan(object('owned', ['owner']))).toBe(false);
  expect(index.remove(ref('owner'), object('owner'))).toEqual([ref('owned')]);
  expect(index.isOrphan(object('owned', ['owner']))).toBe(true);
});

it('OwnerIndex: put returns an object that is new with owners, or whose owners change', () => {
  const index = new OwnerIndex();
  expect(index.put(ref('late'), object('late', ['gone']), undefined)).toEqual([ref('late')]);
  expect(index.put(ref('late'), object('late', ['gone']), object('late', ['gone']))).toEqual([]);
  expect(index.put(ref('late'), object('late', []), object('late', ['gone']))).toEqual([ref('late')]);
  expect(index.remove(ref('gone'), object('gone'))).toEqual([]);
});

it.each([
  ['one of two owners exists', ['gone', 'owner'], 'a', false],
  ['neither of two owners exists', ['gone', 'away'], 'a', true],
  ['its owner is in another namespace', ['owner'], 'b', true],
  ['it names no owner', [], 'a', false],
])('OwnerIndex: isOrphan where %s', (_, owners, namespace, expected) => {
  const index = new OwnerIndex();
  index.put(ref('owner'), object('owner'), undefined);
  expect(index.isOrphan(object('owned', owners, namespace))).toBe(expected);
});
