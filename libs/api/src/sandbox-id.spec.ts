import { CREATE_TIMESTAMP_ANNOTATION, CREATED_BY_FASTPATH, CREATED_BY_LABEL } from './labels';
import { type ObjectMeta, type SandboxStatus } from './sandbox';
import {
  attemptInId,
  currentSandboxId,
  fastSandboxId,
  knownSandboxId,
  lastSandboxId,
  previousSandboxId,
} from './sandbox-id';

const UID = 'uid-1';
const declared: ObjectMeta = { name: 'box', namespace: 'team', uid: UID };
const madeFast: ObjectMeta = {
  ...declared,
  labels: { [CREATED_BY_LABEL]: CREATED_BY_FASTPATH },
  annotations: { [CREATE_TIMESTAMP_ANNOTATION]: '1700000000000000000' },
};
const FAST = fastSandboxId('box', 'team', 1_700_000_000_000_000_000n);

interface Case {
  readonly metadata: ObjectMeta;
  readonly status?: SandboxStatus;
  readonly current: string;
  readonly known: string;
}

describe('currentSandboxId and knownSandboxId', () => {
  it.each<[string, Case]>([
    ['a declared object', { metadata: declared, current: UID, known: '' }],
    ['its second attempt', { metadata: declared, status: { attempt: 2 }, current: `${UID}-2`, known: '' }],
    ['the id in the status', { metadata: madeFast, status: { sandboxID: 'x', attempt: 1 }, current: 'x', known: 'x' }],
    ['a FAST object without status', { metadata: madeFast, current: FAST, known: FAST }],
    ['a FAST object with an empty status', { metadata: madeFast, status: {}, current: FAST, known: FAST }],
    [
      'a FAST object that was reset',
      { metadata: madeFast, status: { phase: 'Pending', attempt: 1 }, current: `${UID}-1`, known: '' },
    ],
    [
      'a FAST object whose time is no number',
      { metadata: { ...madeFast, annotations: { [CREATE_TIMESTAMP_ANNOTATION]: 'now' } }, current: UID, known: '' },
    ],
    ['a declared object with a time', { metadata: { ...madeFast, labels: {} }, current: UID, known: '' }],
  ])('%s', (_what, { metadata, status, current, known }) => {
    const sandbox = { metadata, ...(status ? { status } : {}) };
    expect([currentSandboxId(sandbox), knownSandboxId(sandbox)]).toEqual([current, known]);
  });

  // Regression: the janitor took the FAST id of these, the gateway took none; a container of that name with another id
  // was an orphan to the janitor alone
  it.each(['Pending', 'Failed', 'Expired'] as const)(
    'a FAST object that is %s before an id is in its status',
    (phase) => {
      const sandbox = { metadata: madeFast, status: { phase, attempt: 0 } };
      expect([currentSandboxId(sandbox), knownSandboxId(sandbox)]).toEqual([FAST, '']);
    },
  );

  // Regression: the gateway took the FAST id of this, the janitor took none
  it('a FAST object of a later attempt without a phase', () => {
    const sandbox = { metadata: madeFast, status: { attempt: 1 } };
    expect([currentSandboxId(sandbox), knownSandboxId(sandbox)]).toEqual([`${UID}-1`, '']);
  });
});

it.each<[string, ObjectMeta, SandboxStatus, string]>([
  ['a pending declared one', declared, { phase: 'Pending' }, ''],
  ['a FAST one that expired', madeFast, { phase: 'Expired', finishedAt: 'then', attempt: 0 }, FAST],
  [
    'a declared one that expired after a reset',
    declared,
    { phase: 'Expired', finishedAt: 'then', attempt: 1 },
    `${UID}-1`,
  ],
  ['a running one', declared, { phase: 'Running', sandboxID: 'x' }, 'x'],
])('lastSandboxId: %s', (_what, metadata, status, id) => {
  expect(lastSandboxId({ metadata, status })).toBe(id);
});

it.each<[string, ObjectMeta, number, string | undefined]>([
  ['the first', madeFast, 0, undefined],
  ['the second of a FAST one', madeFast, 1, FAST],
  ['the second of a declared one', declared, 1, UID],
  ['the third', madeFast, 2, `${UID}-1`],
])('previousSandboxId: %s', (_what, metadata, attempt, id) => {
  expect(previousSandboxId({ metadata, status: { attempt } })).toBe(id);
});

it.each([
  [`${UID}-3`, UID, 3],
  [UID, UID, 0],
  [FAST, UID, 0],
  [`${UID}-x`, UID, 0],
  ['-3', '', 0],
])('attemptInId: %s of %j is %d', (sandboxId, uid, attempt) => {
  expect(attemptInId(sandboxId, uid)).toBe(attempt);
});
