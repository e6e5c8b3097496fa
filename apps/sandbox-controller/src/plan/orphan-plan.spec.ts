import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { claimed, container, NOW } from '../testing/scene';
import { planOrphans } from './orphan-plan';

const aged = (seconds: number, more: Partial<AgentSandboxStatus> = {}): AgentSandboxStatus =>
  container('running', { claimUid: '', sandboxId: 'one', createdAt: NOW / 1000 - seconds, object: {}, ...more });
const times = (actingSeconds: number) => ({
  ...{ now: NOW, orphanTimeoutMs: 10_000, actingSince: NOW - actingSeconds * 1000 },
});
const run = (sandboxes: AgentSandboxStatus[], actingSeconds = 3_600) => {
  const containers = sandboxes.map((sandbox) => claimed(sandbox));
  const plan = planOrphans(containers, ({ object }) => object !== undefined, times(actingSeconds));
  const done = plan.actions.map(({ type, container: { sandbox } }) => `${type} ${sandbox.sandboxId}`);
  return { done, requeueAfterMs: plan.requeueAfterMs };
};

describe('containers whose object the API server denies', () => {
  it.each<[string, AgentSandboxStatus[], string[], number | undefined]>([
    ['nothing', [], [], undefined],
    ['fresh: its gateway is about to write', [aged(1)], [], 2_000],
    ['unbound for long enough: adopted', [aged(4)], ['adopt one'], undefined],
    ['ended, and unbound: adopted, its result counts', [aged(4, { phase: 'failed' })], ['adopt one'], undefined],
    ['still being made: its report decides', [aged(60, { phase: 'creating' })], [], undefined],
    ['being ended', [aged(60, { phase: 'terminating' })], [], undefined],
    ['without what it was made from: not before the timeout', [aged(5, { object: undefined as never })], [], 6_000],
    ['without what it was made from: ended', [aged(12, { object: undefined as never })], ['delete one'], undefined],
    ['bound to an object that is gone: not before the timeout', [aged(5, { claimUid: 'old' })], [], 6_000],
    ['bound to an object that is gone: ended', [aged(12, { claimUid: 'old' })], ['delete one'], undefined],
    [
      'two of one name: the elder is adopted first',
      [aged(14), aged(15, { sandboxId: 'two' })],
      ['adopt two'],
      undefined,
    ],
    [
      'two of the same second: the same one everywhere',
      [aged(15, { sandboxId: 'two' }), aged(15)],
      ['adopt one'],
      undefined,
    ],
    ['a clock ahead of ours', [aged(-100)], ['adopt one'], undefined],
  ])('%s', (_what, sandboxes, done, requeueAfterMs) => {
    expect(run(sandboxes)).toEqual({ done, requeueAfterMs });
  });

  const unknown = { object: undefined as never };
  it.each<[string, AgentSandboxStatus, string[], number | undefined]>([
    ['nothing unbound is ended before that', aged(3_600, unknown), [], 6_000],
    ['what can be adopted is adopted at once', aged(3_600), ['adopt one'], undefined],
    ['what was bound is ended at once', aged(3_600, { claimUid: 'old' }), ['delete one'], undefined],
  ])('where nobody led for the whole timeout: %s', (_what, sandbox, done, requeueAfterMs) => {
    expect(run([sandbox], 4)).toEqual({ done, requeueAfterMs });
  });
});
