import { API_VERSION, type Sandbox, type SandboxStatus } from '@fsb/api/sandbox';
import { REQUEST_ID_ANNOTATION } from '@fsb/api/labels';
import { earlierOf, type Known } from './earlier-answer';
import { strongOutcome } from './strong-outcome';

const sandbox = (status: SandboxStatus | undefined, more: Partial<Sandbox['spec']> = {}): Sandbox => ({
  apiVersion: API_VERSION,
  kind: 'Sandbox',
  metadata: { name: 'n', namespace: 'ns', uid: 'u', annotations: { [REQUEST_ID_ANNOTATION]: 'r' } },
  spec: { image: 'i', poolRef: 'p', ...more },
  ...(status ? { status } : {}),
});

describe('a STRONG create is answered', () => {
  it.each<[string, Sandbox | undefined, string]>([
    ['not before there is a status', sandbox(undefined), 'open'],
    ['not while it is placed', sandbox({ phase: 'Pending', reason: 'InsufficientCapacity' }), 'open'],
    ['not while it is made', sandbox({ phase: 'Bound' }), 'open'],
    ['when it runs', sandbox({ phase: 'Running' }), 'runs'],
    ['when it ran', sandbox({ phase: 'Succeeded', exitCode: 0 }), 'runs'],
    ['when it ran and failed', sandbox({ phase: 'Failed', exitCode: 3 }), 'runs'],
    ['no: its image cannot be pulled', sandbox({ phase: 'Pending', reason: 'ImagePullFailed' }), 'not_found'],
    ['no: its image is not to be pulled', sandbox({ phase: 'Pending', reason: 'ErrImageNeverPull' }), 'not_found'],
    ['no: its pool is gone', sandbox({ phase: 'Pending', reason: 'PoolNotFound' }), 'not_found'],
    ['no: it has no such command', sandbox({ phase: 'Failed', reason: 'CommandNotFound' }), 'not_found'],
    ['no: its spec is none', sandbox({ phase: 'Failed', reason: 'InvalidSpec' }), 'invalid_argument'],
    ['no: anything else', sandbox({ phase: 'Failed', reason: 'PoolDeleted' }), 'failed_precondition'],
    ['no: it was lost for good', sandbox({ phase: 'Lost', reason: 'AgentLost' }), 'failed_precondition'],
    ['not while it is made anew', sandbox({ phase: 'Lost' }, { failurePolicy: 'AutoRecreate' }), 'open'],
    ['no: its time is over', sandbox({ phase: 'Expired' }), 'aborted'],
    ['no: it was deleted', undefined, 'aborted'],
  ])('%s', (_what, object, expected) => {
    const outcome = strongOutcome(object, 'n');
    expect(outcome === undefined ? 'open' : 'code' in outcome ? outcome.code : 'runs').toBe(expected);
  });
});

describe('a request_id that comes again', () => {
  const object = {
    metadata: { labels: {}, annotations: { [REQUEST_ID_ANNOTATION]: 'r' } },
    spec: sandbox(undefined).spec,
  };
  const nothing: Known = { object: undefined, record: undefined, reports: [], isReserved: false };
  const record = (requestId: string): Known['record'] => ({ order: { requestId } as never });
  it.each<[string, Partial<Known>, string]>([
    ['nobody has the name', {}, 'none'],
    ['an agent was asked and is silent', { isReserved: true }, 'open'],
    ['an agent makes it', { reports: [{ phase: 'creating', object }], isReserved: true }, 'open'],
    ['an agent has it', { reports: [{ phase: 'running', object }], isReserved: true }, 'same'],
    ['an agent has another of that name', { reports: [{ phase: 'running' }], isReserved: true }, 'other'],
    ['answered here, object to come', { record: record('r') }, 'same'],
    ['another was answered here', { record: record('s') }, 'other'],
    ['object without a status', { object: sandbox(undefined) }, 'open'],
    ['object without a status, answered here', { object: sandbox(undefined), record: record('r') }, 'same'],
    ['object', { object: sandbox({ phase: 'Running', sandboxID: 'x' }) }, 'same'],
    ['object of a STRONG create', { object: sandbox(undefined, { consistencyMode: 'strong' }) }, 'strong'],
  ])('%s', (_what, known, expected) => {
    expect(earlierOf('r', { ...nothing, ...known })).toBe(expected);
  });

  it("is not answered with another's object", () => {
    expect(earlierOf('another', { ...nothing, object: sandbox({ phase: 'Running', sandboxID: 'x' }) })).toBe('other');
  });
});
