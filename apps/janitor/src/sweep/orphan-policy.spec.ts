import { type ClaimedContainer, type Evidence, judge, type Verdict } from './orphan-policy';

const NOW = 1_000_000;
const OWNED: ClaimedContainer = {
  ...{ id: 'c', sandboxId: 's', namespace: 'default', sandboxName: 'one', agentName: 'agent', agentUid: 'a' },
  ...{ claimUid: 'u', claimedAtMs: NOW - 60_000, endingSinceMs: undefined },
};
const GOOD: Evidence = { agent: 'present', object: { uid: 'u' }, adopterHeldMs: 60_000 };
const removed = (reason: string): Partial<Verdict> => ({ remove: reason }) as Partial<Verdict>;

describe('judge', () => {
  it.each<[string, Partial<ClaimedContainer>, Partial<Evidence>, Partial<Verdict>]>([
    ['all is well', {}, {}, { keep: 'owned' }],
    ['no agent label', { agentUid: '' }, { agent: 'gone' }, { keep: 'unlabelled' }],
    ['no sandbox label', { sandboxName: '' }, { object: 'absent' }, { keep: 'unlabelled' }],
    ['agent gone', {}, { agent: 'gone' }, removed('AgentPodGone')],
    ['agent gone, claim young', { claimedAtMs: NOW - 9_999 }, { agent: 'gone' }, { keep: 'young' }],
    ['agent gone, claim just old enough', { claimedAtMs: NOW - 10_000 }, { agent: 'gone' }, removed('AgentPodGone')],
    ['agent unknown', {}, { agent: 'unknown', object: 'absent' }, { keep: 'unknown' }],
    ['waits for its sandbox, agent there', { claimedAtMs: undefined }, { object: 'absent' }, { keep: 'owned' }],
    ['waits for its sandbox, agent gone', { claimedAtMs: undefined }, { agent: 'gone' }, removed('AgentPodGone')],
    ['object absent', {}, { object: 'absent' }, removed('SandboxNotFound')],
    ['object absent, being ended', { endingSinceMs: NOW - 5_000 }, { object: 'absent' }, { keep: 'ending' }],
    ['object absent, end got stuck', { endingSinceMs: NOW - 31_000 }, { object: 'absent' }, removed('SandboxNotFound')],
    ['object unknown', {}, { object: 'unknown' }, { keep: 'unknown' }],
    ['object of another uid', {}, { object: { uid: 'v' } }, removed('ClaimUidDiffers')],
    ['unbound, object there', { claimUid: '' }, { object: { uid: 'v' } }, { keep: 'owned' }],
    ['unbound, absent, adopter was there', { claimUid: '' }, { object: 'absent' }, removed('SandboxNotFound')],
    [
      'unbound, absent, no adopter for the whole time',
      { claimUid: '' },
      { object: 'absent', adopterHeldMs: 9_999 },
      { keep: 'nobody-to-adopt' },
    ],
    ['bound, absent, no adopter', {}, { object: 'absent', adopterHeldMs: 0 }, removed('SandboxNotFound')],
  ])('%s', (_case, container, evidence, verdict) => {
    const timing = { nowMs: NOW, orphanTimeoutMs: 10_000 };
    expect(judge({ ...OWNED, ...container }, { ...GOOD, ...evidence }, timing)).toMatchObject(verdict);
  });
});
