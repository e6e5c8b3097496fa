import { RemovedGenerations, staleDelete, staleGeneration } from './generation-fence';

const known = [{ sandboxId: 'k', namespace: 'ns', claimName: 'a', claimUid: 'u', generation: 2 }];
const wanted = { namespace: 'ns', claimName: 'a', claimUid: 'u', generation: 1 };

it.each([
  ['an older one', {}, true],
  ['an older one before its object has a uid', { claimUid: '' }, true],
  ['the same', { generation: 2 }, false],
  ['a newer one', { generation: 3 }, false],
  ['one without generation', { generation: undefined }, false],
  ['another name', { claimName: 'b' }, false],
  ['another namespace', { namespace: 'other' }, false],
  ['the next object of the name', { claimUid: 'v', generation: 0 }, false],
])('%s: stale is %s', (_what, change, stale) => {
  expect(staleGeneration({ ...wanted, ...change }, known)?.code).toBe(stale ? 'stale_generation' : undefined);
});

it.each([
  ['an older one', 1, true],
  ['the same', 2, false],
  ['a newer one', 3, false],
  ['one without generation', undefined, false],
])('a delete of %s', (_what, generation, stale) => {
  expect(staleDelete(generation, known[0])?.code).toBe(stale ? 'stale_generation' : undefined);
  expect(staleDelete(generation, undefined)).toBeUndefined();
});

it('a removed sandbox fences its own object, and nobody else of its name; the last thousand do', () => {
  const removed = new RemovedGenerations();
  removed.remember({ ...known[0]!, generation: 3 });
  removed.remember(known[0]!);
  expect(staleGeneration({ ...wanted, generation: 2 }, removed.of('u'))?.code).toBe('stale_generation');
  expect(removed.of('')).toEqual([]);
  expect(removed.of('v')).toEqual([]);
  for (let i = 0; i < 1000; i++) removed.remember({ ...known[0]!, claimUid: `other-${i}` });
  expect(removed.of('u')).toEqual([]);
});
