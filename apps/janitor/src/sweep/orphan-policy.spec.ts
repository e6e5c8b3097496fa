import { type ClaimedContainer, type Evidence, judge, type Verdict } from './orphan-policy';

const NOW = 1_000_000;
const OWNED: ClaimedContainer = {
  ...{ id: 's', sandboxId: 's', namespace: 'default', sandboxName: 'one', agentName: 'agent', agentUid: 'a' },
  ...{ claimUid: 'u', attempt: 0, claimedAtMs: NOW - 60_000, endsByMs: undefined },
};
const OBJECT = { uid: 'u', sandboxId: 's', attempt: 0 };
const GOOD: Evidence = { agent: 'present', object: OBJECT, adopterHeldMs: 60_000 };
const UNBOUND = { claimUid: '' };
const removed = (reason: string): Partial<Verdict> => ({ remove: reason }) as Partial<Verdict>;

describe('judge', () => {
  it.each<[string, Partial<ClaimedContainer>, Partial<Evidence>, Partial<Verdict>]>([
    ['all is well', {}, {}, { keep: 'owned' }],
    ['no agent label', { agentUid: '' }, { agent: 'gone' }, { keep: 'unlabelled' }],
    ['no sandbox label', { sandboxName: '' }, { object: 'absent' }, { keep: 'unlabelled' }],
    ['agent gone', {}, { agent: 'gone' }, removed('AgentPodGone')],
    ['agent gone, nobody knows of the object', {}, { agent: 'gone', object: 'unknown' }, removed('AgentPodGone')],
    ['agent gone, claim young', { claimedAtMs: NOW - 9_999 }, { agent: 'gone' }, { keep: 'young' }],
    ['agent gone, claim of the future', { claimedAtMs: NOW + 9_999 }, { agent: 'gone' }, { keep: 'young' }],
    ['agent gone, claim just old enough', { claimedAtMs: NOW - 10_000 }, { agent: 'gone' }, removed('AgentPodGone')],
    ['agent gone in the middle of an end', { endsByMs: NOW + 10_000 }, { agent: 'gone' }, removed('AgentPodGone')],
    ['agent unknown', {}, { agent: 'unknown', object: 'absent' }, { keep: 'unknown' }],
    ['waits for its sandbox, agent there', { claimedAtMs: undefined }, { object: 'absent' }, { keep: 'owned' }],
    ['waits for its sandbox, agent gone', { claimedAtMs: undefined }, { agent: 'gone' }, removed('AgentPodGone')],
    ['waits, agent unknown', { claimedAtMs: undefined }, { agent: 'unknown' }, { keep: 'unknown' }],
    ['object absent', {}, { object: 'absent' }, removed('SandboxNotFound')],
    ['object absent, being ended', { endsByMs: NOW + 5_000 }, { object: 'absent' }, { keep: 'ending' }],
    ['object absent, with an hour to end', { endsByMs: NOW + 3_600_000 }, { object: 'absent' }, { keep: 'ending' }],
    ['object absent, end got stuck', { endsByMs: NOW - 21_000 }, { object: 'absent' }, removed('SandboxNotFound')],
    ['object unknown', {}, { object: 'unknown' }, { keep: 'unknown' }],
    ['object of another uid', {}, { object: { ...OBJECT, uid: 'v' } }, removed('ClaimUidDiffers')],
    ['bound, absent, no adopter', {}, { object: 'absent', adopterHeldMs: 0 }, removed('SandboxNotFound')],
    ['older attempt', {}, { object: { ...OBJECT, sandboxId: 'u-2', attempt: 2 } }, removed('StaleAttempt')],
    [
      'older attempt than one that is not placed yet',
      { attempt: 1 },
      { object: { ...OBJECT, sandboxId: '', attempt: 2 } },
      removed('StaleAttempt'),
    ],
    [
      'older attempt, being ended',
      { endsByMs: NOW + 10_000 },
      { object: { ...OBJECT, attempt: 2 } },
      { keep: 'ending' },
    ],
    [
      'attempt not in the status yet',
      { attempt: 3 },
      { object: { ...OBJECT, sandboxId: 'u-2', attempt: 2 } },
      { keep: 'owned' },
    ],
    ['unbound, the object has it', UNBOUND, {}, { keep: 'owned' }],
    ['unbound, the object has none yet', UNBOUND, { object: { ...OBJECT, sandboxId: '' } }, { keep: 'owned' }],
    ['unbound, the object has another', UNBOUND, { object: { ...OBJECT, sandboxId: 't' } }, removed('NameTaken')],
    ['unbound, absent, adopter was there', UNBOUND, { object: 'absent' }, removed('SandboxNotFound')],
    ['unbound, absent, adopter new', UNBOUND, { object: 'absent', adopterHeldMs: 9_999 }, { keep: 'nobody-to-adopt' }],
    [
      'unbound, the object has another, no adopter',
      UNBOUND,
      { object: { ...OBJECT, sandboxId: 't' }, adopterHeldMs: 0 },
      { keep: 'nobody-to-adopt' },
    ],
  ])('%s', (_case, container, evidence, verdict) => {
    const timing = { nowMs: NOW, orphanTimeoutMs: 10_000 };
    expect(judge({ ...OWNED, ...container }, { ...GOOD, ...evidence }, timing)).toMatchObject(verdict);
  });

  it('gives the sandbox-controller time where the agent still serves', () => {
    const timing = { nowMs: NOW, orphanTimeoutMs: 10_000 };
    const stale = judge(OWNED, { ...GOOD, object: { ...OBJECT, sandboxId: 'u-1', attempt: 1 } }, timing);
    expect(stale).toMatchObject({ remove: 'StaleAttempt', onlyIfItStays: true });
  });
});
