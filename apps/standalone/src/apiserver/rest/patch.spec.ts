import { applyPatch, type PatchType } from './patch';

const pod = { spec: { containers: [{ name: 'a', image: '1' }, { name: 'b' }] }, metadata: { finalizers: ['x'] } };

it.each<[string, PatchType, unknown, unknown]>([
  ['merge: null removes, objects merge', 'merge', { metadata: null, spec: { x: 1 } }, { spec: { ...pod.spec, x: 1 } }],
  ['merge: a list is replaced', 'merge', { spec: { containers: [] } }, { ...pod, spec: { containers: [] } }],
  [
    'strategic: a list merges by name',
    'strategic',
    { spec: { containers: [{ name: 'b', image: '2' }, { name: 'c' }], $setElementOrder: [] } },
    { ...pod, spec: { containers: [{ name: 'a', image: '1' }, { name: 'b', image: '2' }, { name: 'c' }] } },
  ],
  [
    'strategic: an item is deleted by name',
    'strategic',
    { spec: { containers: [{ name: 'a', $patch: 'delete' }] } },
    { ...pod, spec: { containers: [{ name: 'b' }] } },
  ],
  [
    'strategic: plain values are a set',
    'strategic',
    { metadata: { finalizers: ['y', 'x'] } },
    { ...pod, metadata: { finalizers: ['x', 'y'] } },
  ],
  [
    'json: operations in order',
    'json',
    [
      { op: 'test', path: '/metadata/finalizers/0', value: 'x' },
      { op: 'remove', path: '/metadata' },
      { op: 'replace', path: '/spec', value: 1 },
    ],
    { spec: 1 },
  ],
])('patched: %s', (_, type, patch, expected) => {
  const before = structuredClone(pod);
  expect(applyPatch(type, pod, patch)).toEqual(expected);
  expect(pod).toEqual(before);
});

it.each<[PatchType, unknown, number]>([
  ['json', [{ op: 'test', path: '/spec', value: 2 }], 422],
  ['json', [{ op: 'remove', path: '/none' }], 422],
  ['json', {}, 400],
  ['json', [null], 400],
  ['json', [{ op: 'test', path: 0, value: 1 }], 400],
  ['json', [{ op: 'add', path: '/hasOwnProperty/call', value: 1 }], 422],
  ['json', [{ op: 'add', path: '/__proto__/polluted', value: 1 }], 422],
  ['json', [{ op: 'replace', path: '/metadata/finalizers/length', value: 2 ** 32 - 1 }], 422],
  ['json', Array.from({ length: 40 }, (_, index) => ({ op: 'copy', from: '', path: `/${index}` })), 422],
  ['merge', [], 400],
])('patched: refuses a %s patch that does not fit: %j', (type, patch, code) => {
  expect(() => applyPatch(type, pod, patch)).toThrow(expect.objectContaining({ code }) as Error);
});
