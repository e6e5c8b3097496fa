import { API_VERSION, type Sandbox, type SandboxStatus } from '@fsb/api/sandbox';
import { REQUEST_ID_ANNOTATION } from '@fsb/api/labels';
import { earlierRequest, type KnownName } from './earlier-request';
import { strongOutcome } from './strong-outcome';

const sandbox = (status: SandboxStatus | undefined, more: Partial<Sandbox['spec']> = {}): Sandbox => ({
  apiVersion: API_VERSION,
  kind: 'Sandbox',
  metadata: { name: 'n', namespace: 'ns', uid: 'u', annotations: { [REQUEST_ID_ANNOTATION]: 'r' } },
  spec: { image: 'i', poolRef: 'p', ...more },
  ...(status ? { status } : {}),
});

describe('strongOutcome', () => {
  it.each<[string, Sandbox | undefined, string]>([
    ['no status', sandbox(undefined), 'open'],
    ['waits for an agent', sandbox({ phase: 'Pending', reason: 'InsufficientCapacity' }), 'open'],
    ['is being made', sandbox({ phase: 'Bound' }), 'open'],
    ['runs', sandbox({ phase: 'Running' }), 'runs'],
    ['has run', sandbox({ phase: 'Succeeded', exitCode: 0 }), 'runs'],
    ['has run and failed', sandbox({ phase: 'Failed', exitCode: 3 }), 'runs'],
    ['image cannot be pulled', sandbox({ phase: 'Pending', reason: 'ImagePullFailed' }), 'not_found'],
    ['image absent, pull policy Never', sandbox({ phase: 'Pending', reason: 'ErrImageNeverPull' }), 'not_found'],
    ['pool is gone', sandbox({ phase: 'Pending', reason: 'PoolNotFound' }), 'not_found'],
    ['command not in the image', sandbox({ phase: 'Failed', reason: 'CommandNotFound' }), 'not_found'],
    ['invalid spec', sandbox({ phase: 'Failed', reason: 'InvalidSpec' }), 'invalid_argument'],
    ['any other failure', sandbox({ phase: 'Failed', reason: 'PoolDeleted' }), 'failed_precondition'],
    ['lost for good', sandbox({ phase: 'Lost', reason: 'AgentLost' }), 'failed_precondition'],
    ['lost, to be recreated', sandbox({ phase: 'Lost' }, { failurePolicy: 'AutoRecreate' }), 'open'],
    ['expired', sandbox({ phase: 'Expired' }), 'aborted'],
    ['deleted', undefined, 'aborted'],
  ])('%s', (_what, object, expected) => {
    const outcome = strongOutcome(object, 'n');
    expect(outcome === undefined ? 'open' : 'code' in outcome ? outcome.code : 'runs').toBe(expected);
  });
});

describe('earlierOf', () => {
  const object = {
    metadata: { labels: {}, annotations: { [REQUEST_ID_ANNOTATION]: 'r' } },
    spec: sandbox(undefined).spec,
  };
  const nothing: KnownName = { object: undefined, record: undefined, reports: [], isReserved: false };
  const record = (requestId: string): KnownName['record'] => ({ order: { requestId } as never });
  it.each<[string, Partial<KnownName>, string]>([
    ['the name is free', {}, 'none'],
    ['an agent was asked and has not answered', { isReserved: true }, 'open'],
    ['an agent is making it', { reports: [{ phase: 'creating', object }], isReserved: true }, 'open'],
    ['an agent has it', { reports: [{ phase: 'running', object }], isReserved: true }, 'same'],
    ['an agent has another sandbox of that name', { reports: [{ phase: 'running' }], isReserved: true }, 'other'],
    ['pending record of this request', { record: record('r') }, 'same'],
    ['pending record of another request', { record: record('s') }, 'other'],
    ['object without a status', { object: sandbox(undefined) }, 'open'],
    ['object without a status, and a pending record', { object: sandbox(undefined), record: record('r') }, 'same'],
    ['object with a status', { object: sandbox({ phase: 'Running', sandboxID: 'x' }) }, 'same'],
    ['object of a STRONG create', { object: sandbox(undefined, { consistencyMode: 'strong' }) }, 'strong'],
  ])('%s', (_what, known, expected) => {
    expect(earlierRequest('r', { ...nothing, ...known })).toBe(expected);
  });

  it('returns other for the object of another request', () => {
    expect(earlierRequest('another', { ...nothing, object: sandbox({ phase: 'Running', sandboxID: 'x' }) })).toBe(
      'other',
    );
  });
});
