import { ALLOCATION_ANNOTATION, CREATE_TIMESTAMP_ANNOTATION } from '@fsb/api/labels';
import { type Sandbox } from '@fsb/api/sandbox';
import { assigned, container, FAST_ID, fastSandbox, sandbox, UID } from '../testing/scene';
import { currentId, isOwn, withAllocation } from './identity';

describe('which container is the current one', () => {
  it.each<[string, Sandbox, string]>([
    ['of a declared object', sandbox(), UID],
    ['of a second attempt', sandbox({ status: { attempt: 2 } }), `${UID}-2`],
    ['of a FAST object without status', fastSandbox(), FAST_ID],
    ['as the status has it', fastSandbox({ status: { sandboxID: 'said' } }), 'said'],
    ['of a FAST object that was reset', fastSandbox({ status: { attempt: 1 } }), `${UID}-1`],
    [
      'of a FAST object whose time is no number',
      fastSandbox({ metadata: { annotations: { [CREATE_TIMESTAMP_ANNOTATION]: 'now' } } }),
      UID,
    ],
    [
      'of a declared object that has a time',
      sandbox({ metadata: { annotations: { [CREATE_TIMESTAMP_ANNOTATION]: '1' } } }),
      UID,
    ],
  ])('%s', (_what, object, id) => {
    expect(currentId(object)).toBe(id);
  });

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

describe('an object whose status is not written yet', () => {
  it('is assigned as annotated', () => {
    expect(withAllocation(fastSandbox()).status).toEqual({
      ...{ phase: 'Bound', assignedPod: 'agent-1', nodeName: 'node-1', sandboxID: FAST_ID },
    });
  });

  it.each<[string, Sandbox]>([
    ['declared', sandbox({ metadata: { annotations: { [ALLOCATION_ANNOTATION]: '{"assignedPod":"x"}' } } })],
    ['with a status of its own', fastSandbox({ status: assigned('Running', { sandboxID: FAST_ID }) })],
    ['on a later attempt', fastSandbox({ status: { phase: 'Pending', attempt: 1 } })],
    ['with a broken annotation', fastSandbox({ metadata: { annotations: { [ALLOCATION_ANNOTATION]: '{' } } })],
    ['without the annotation', fastSandbox({ metadata: { annotations: {} } })],
  ])('%s stays as it is', (_what, object) => {
    expect(withAllocation(object)).toBe(object);
  });
});
