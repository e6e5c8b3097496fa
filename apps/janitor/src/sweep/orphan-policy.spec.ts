import { type LabelledContainer, type Evidence, judge, type Verdict } from './orphan-policy';

const NOW = 1_000_000;
const OWNED: LabelledContainer = {
  ...{ id: 's', sandboxId: 's', namespace: 'default', sandboxName: 'one', agentName: 'agent', agentUid: 'a' },
  ...{ claimUid: 'u', attempt: 0, claimedAtMs: NOW - 60_000, endsByMs: undefined },
};
const OBJECT = { uid: 'u', sandboxId: 's', attempt: 0 };
const GOOD: Evidence = { agent: 'present', object: OBJECT, adopterHeldMs: 60_000 };
const UNBOUND = { claimUid: '' };
const removed = (reason: string): Partial<Verdict> => ({ remove: reason }) as Partial<Verdict>;

describe('judge', () => {
  it.each<[string, Partial<LabelledContainer>, Partial<Evidence>, Partial<Verdict>]>([
    ['agent and object present', {}, {}, { keep: 'owned' }],
    ['no agent label', { agentUid: '' }, { agent: 'gone' }, { keep: 'unlabelled' }],
    ['no sandbox label', { sandboxName: '' }, { object: 'absent' }, { keep: 'unlabelled' }],
    ['agent gone', {}, { agent: 'gone' }, removed('AgentPodGone')],
    ['agent gone, object unknown', {}, { agent: 'gone', object: 'unknown' }, removed('AgentPodGone')],
    ['agent gone, claim young', { claimedAtMs: NOW - 9_999 }, { agent: 'gone' }, { keep: 'young' }],
    ['agent gone, claim in the future', { claimedAtMs: NOW + 9_999 }, { agent: 'gone' }, { keep: 'young' }],
    ['agent gone, claim just old enough', { claimedAtMs: NOW - 10_000 }, { agent: 'gone' }, removed('AgentPodGone')],
    ['agent gone during a termination', { endsByMs: NOW + 10_000 }, { agent: 'gone' }, removed('AgentPodGone')],
    ['agent unknown', {}, { agent: 'unknown', object: 'absent' }, { keep: 'unknown' }],
    ['standby, agent present', { claimedAtMs: undefined }, { object: 'absent' }, { keep: 'owned' }],
    ['standby, agent gone', { claimedAtMs: undefined }, { agent: 'gone' }, removed('AgentPodGone')],
    ['standby, agent unknown', { claimedAtMs: undefined }, { agent: 'unknown' }, { keep: 'unknown' }],
    ['object absent', {}, { object: 'absent' }, removed('SandboxNotFound')],
    ['object absent, terminating', { endsByMs: NOW + 5_000 }, { object: 'absent' }, { keep: 'ending' }],
    ['object absent, grace period of an hour', { endsByMs: NOW + 3_600_000 }, { object: 'absent' }, { keep: 'ending' }],
    [
      'object absent, termination overdue',
      { endsByMs: NOW - 21_000 },
      { object: 'absent' },
      removed('SandboxNotFound'),
    ],
    ['object unknown', {}, { object: 'unknown' }, { keep: 'unknown' }],
    ['object of another uid', {}, { object: { ...OBJECT, uid: 'v' } }, removed('ClaimUidDiffers')],
    ['bound, object absent, no adopter', {}, { object: 'absent', adopterHeldMs: 0 }, removed('SandboxNotFound')],
    ['older attempt', {}, { object: { ...OBJECT, sandboxId: 'u-2', attempt: 2 } }, removed('StaleAttempt')],
    [
      'older attempt, current one not placed yet',
      { attempt: 1 },
      { object: { ...OBJECT, sandboxId: '', attempt: 2 } },
      removed('StaleAttempt'),
    ],
    [
      'older attempt, terminating',
      { endsByMs: NOW + 10_000 },
      { object: { ...OBJECT, attempt: 2 } },
      { keep: 'ending' },
    ],
    [
      'newer attempt than in the status',
      { attempt: 3 },
      { object: { ...OBJECT, sandboxId: 'u-2', attempt: 2 } },
      { keep: 'owned' },
    ],
    ['unbound, object names it', UNBOUND, {}, { keep: 'owned' }],
    ['unbound, object names none yet', UNBOUND, { object: { ...OBJECT, sandboxId: '' } }, { keep: 'owned' }],
    ['unbound, object names another', UNBOUND, { object: { ...OBJECT, sandboxId: 't' } }, removed('NameTaken')],
    ['unbound, object absent, adopter held long enough', UNBOUND, { object: 'absent' }, removed('SandboxNotFound')],
    [
      'unbound, object absent, adopter too new',
      UNBOUND,
      { object: 'absent', adopterHeldMs: 9_999 },
      { keep: 'nobody-to-adopt' },
    ],
    [
      'unbound, object names another, no adopter',
      UNBOUND,
      { object: { ...OBJECT, sandboxId: 't' }, adopterHeldMs: 0 },
      { keep: 'nobody-to-adopt' },
    ],
  ])('%s', (_case, container, evidence, verdict) => {
    const timing = { nowMs: NOW, orphanTimeoutMs: 10_000 };
    expect(judge({ ...OWNED, ...container }, { ...GOOD, ...evidence }, timing)).toMatchObject(verdict);
  });

  it('leaves a stale attempt of a present agent to the sandbox-controller for a while', () => {
    const timing = { nowMs: NOW, orphanTimeoutMs: 10_000 };
    const stale = judge(OWNED, { ...GOOD, object: { ...OBJECT, sandboxId: 'u-1', attempt: 1 } }, timing);
    expect(stale).toMatchObject({ remove: 'StaleAttempt', onlyIfItStays: true });
  });
});
