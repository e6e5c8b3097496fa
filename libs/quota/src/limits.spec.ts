import { type ResourceQuota } from '@fsb/controller-runtime/kinds';
import { limitsOf, overLimit } from './limits';
import { NOTHING, usageOf } from './usage';

const quota = (name: string, hard: Record<string, string>, more = {}): ResourceQuota => ({
  metadata: { name, namespace: 'n' },
  spec: { hard, ...more },
});
const over = (hard: Record<string, string>, used: object, resources: Record<string, string> = {}): unknown => {
  const wanted = { namespace: 'n', resources, usage: usageOf(resources) };
  const error = overLimit(limitsOf([quota('q', hard)]), { ...NOTHING, ...used }, wanted);
  return error && [error.code, error.message];
};

it('limitsOf: takes the lowest of several quotas, and ignores limits and scopes of Pods', () => {
  const lowest = limitsOf([
    quota('a', { 'sandbox.fast.io/cpu': '4', pods: '1' }),
    quota('b', { 'sandbox.fast.io/cpu': '2', 'sandbox.fast.io/memory': '1Gi' }),
    quota('c', { 'sandbox.fast.io/cpu': '1' }, { scopes: ['BestEffort'] }),
  ]);
  expect(lowest).toEqual({
    cpu: { quota: 'b', text: '2', value: 2 },
    memory: { quota: 'b', text: '1Gi', value: 2 ** 30 },
  });
});

it.each([
  ['nothing limited', {}, { sandboxes: 1e6 }, {}, undefined],
  ['the last that fits', { 'count/sandboxes.sandbox.fast.io': '3' }, { sandboxes: 2 }, {}, undefined],
  [
    'one sandbox too many',
    { 'count/sandboxes.sandbox.fast.io': '3' },
    { sandboxes: 3 },
    {},
    [
      'resource_exhausted',
      'quota "q" of namespace "n" is used up: count/sandboxes.sandbox.fast.io is limited to 3, 3 are in use, 1 more would be needed; delete a sandbox, or try again when one has ended',
    ],
  ],
  ['a CPU that just fits', { 'sandbox.fast.io/cpu': '1' }, { milliCpu: 700 }, { cpu: '300m' }, undefined],
  [
    'a CPU too many',
    { 'sandbox.fast.io/cpu': '1' },
    { milliCpu: 700 },
    { cpu: '301m' },
    ['resource_exhausted', expect.stringContaining('limited to 1, 0.7 are in use, 0.301 more')],
  ],
  [
    'memory in its own units',
    { 'sandbox.fast.io/memory': '1Gi' },
    { memory: 2 ** 29 },
    { memory: '513Mi' },
    ['resource_exhausted', expect.stringContaining('limited to 1Gi, 512Mi are in use, 513Mi more')],
  ],
  [
    'a sandbox without a memory limit',
    { 'sandbox.fast.io/memory': '1Gi' },
    {},
    { cpu: '1' },
    ['invalid_argument', expect.stringMatching(/^resources\.memory: must be given/)],
  ],
  [
    'processes too many',
    { 'sandbox.fast.io/pids': '100' },
    { pids: 90 },
    { pids: '11' },
    ['resource_exhausted', expect.stringContaining('limited to 100, 90 are in use, 11 more')],
  ],
  [
    'storage too much',
    { 'sandbox.fast.io/ephemeral-storage': '1Gi' },
    { storage: 2 ** 29 },
    { 'ephemeral-storage': '513Mi' },
    ['resource_exhausted', expect.stringContaining('limited to 1Gi, 512Mi are in use, 513Mi more')],
  ],
  [
    'a sandbox without a limit of processes',
    { 'sandbox.fast.io/pids': '100' },
    {},
    { cpu: '1' },
    ['invalid_argument', expect.stringMatching(/^resources\.pids: must be given/)],
  ],
  [
    'a limit that is not a quantity',
    { 'count/sandboxes.sandbox.fast.io': 'many' },
    {},
    {},
    ['resource_exhausted', expect.stringContaining('limited to many')],
  ],
])('overLimit: %s', (_case, hard, used, resources, expected) => {
  expect(over(hard, used, resources)).toEqual(expected);
});
