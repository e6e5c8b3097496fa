import { RemovedGenerations, staleDelete, staleGeneration } from './generation-fence';

const known = [{ sandboxId: 'k', namespace: 'ns', claimName: 'a', claimUid: 'u', generation: 2 }];
const wanted = { namespace: 'ns', claimName: 'a', claimUid: 'u', generation: 1 };

it.each([
  ['refuses an older generation', {}, true],
  ['refuses an older generation without the uid of its object', { claimUid: '' }, true],
  ['accepts the same generation', { generation: 2 }, false],
  ['accepts a newer generation', { generation: 3 }, false],
  ['accepts a command without generation', { generation: undefined }, false],
  ['accepts another name', { claimName: 'b' }, false],
  ['accepts another namespace', { namespace: 'other' }, false],
  ['accepts the next object of the name', { claimUid: 'v', generation: 0 }, false],
])('staleGeneration: %s', (_what, change, stale) => {
  expect(staleGeneration({ ...wanted, ...change }, known)?.code).toBe(stale ? 'stale_generation' : undefined);
});

it.each([
  ['refuses an older generation', 1, true],
  ['accepts the same generation', 2, false],
  ['accepts a newer generation', 3, false],
  ['accepts a delete without generation', undefined, false],
])('staleDelete: %s', (_what, generation, stale) => {
  expect(staleDelete(generation, known[0])?.code).toBe(stale ? 'stale_generation' : undefined);
  expect(staleDelete(generation, undefined)).toBeUndefined();
});

it('RemovedGenerations: fence commands for the same object only, for the last thousand objects', () => {
  const removed = new RemovedGenerations();
  removed.remember({ ...known[0]!, generation: 3 });
  removed.remember(known[0]!);
  expect(staleGeneration({ ...wanted, generation: 2 }, removed.of('u'))?.code).toBe('stale_generation');
  expect(removed.of('')).toEqual([]);
  expect(removed.of('v')).toEqual([]);
  for (let i = 0; i < 1000; i++) removed.remember({ ...known[0]!, claimUid: `other-${i}` });
  expect(removed.of('u')).toEqual([]);
});
