import { staleGeneration } from './generation-fence';

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
