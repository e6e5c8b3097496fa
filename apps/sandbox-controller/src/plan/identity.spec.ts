import { ALLOCATION_ANNOTATION } from '@fsb/api/labels';
import { type Sandbox } from '@fsb/api/sandbox';
import { assigned, container, FAST_ID, fastSandbox, sandbox } from '../testing/scene';
import { isOwn, withAllocation } from './identity';

describe('isOwn', () => {
  it.each<[string, Sandbox, Parameters<typeof isOwn>[1], boolean]>([
    ['bound to it', sandbox(), container('running'), true],
    ['bound to it, an older attempt', sandbox({ status: { attempt: 1 } }), container('running'), true],
    ['unbound, with its id', fastSandbox(), container('running', { claimUid: '', sandboxId: FAST_ID }), true],
    ['unbound, with another id', fastSandbox(), container('running', { claimUid: '' }), false],
    ['bound to an earlier object of the name', sandbox(), container('running', { claimUid: 'uid-0' }), false],
  ])('%s', (_what, object, report, own) => {
    expect(isOwn(object, report)).toBe(own);
  });
});

describe('withAllocation', () => {
  it('assigns a FAST object without a status as annotated', () => {
    expect(withAllocation(fastSandbox()).status).toEqual({
      ...{ phase: 'Bound', assignedPod: 'agent-1', nodeName: 'node-1', sandboxID: FAST_ID },
    });
  });

  it.each<[string, Sandbox]>([
    ['a declared object', sandbox({ metadata: { annotations: { [ALLOCATION_ANNOTATION]: '{"assignedPod":"x"}' } } })],
    ['an object with a status', fastSandbox({ status: assigned('Running', { sandboxID: FAST_ID }) })],
    ['an object of a later attempt', fastSandbox({ status: { phase: 'Pending', attempt: 1 } })],
    [
      'an object with a malformed annotation',
      fastSandbox({ metadata: { annotations: { [ALLOCATION_ANNOTATION]: '{' } } }),
    ],
    ['an object without the annotation', fastSandbox({ metadata: { annotations: {} } })],
  ])('leaves %s unchanged', (_what, object) => {
    expect(withAllocation(object)).toBe(object);
  });
});
