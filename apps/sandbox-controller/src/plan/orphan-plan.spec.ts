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

describe('planOrphans', () => {
  it.each<[string, AgentSandboxStatus[], string[], number | undefined]>([
    ['does nothing without containers', [], [], undefined],
    ['waits while the gateway may still write the object', [aged(1)], [], 2_000],
    ['adopts a container unbound for long enough', [aged(4)], ['adopt one'], undefined],
    ['adopts an ended unbound container, for its result', [aged(4, { phase: 'failed' })], ['adopt one'], undefined],
    ['leaves a container that is being created to its next report', [aged(60, { phase: 'creating' })], [], undefined],
    ['leaves a terminating container alone', [aged(60, { phase: 'terminating' })], [], undefined],
    ['keeps a container without a template until the timeout', [aged(5, { object: undefined as never })], [], 6_000],
    [
      'ends a container without a template after the timeout',
      [aged(12, { object: undefined as never })],
      ['delete one'],
      undefined,
    ],
    ['keeps a container bound to a deleted object until the timeout', [aged(5, { claimUid: 'old' })], [], 6_000],
    [
      'ends a container bound to a deleted object after the timeout',
      [aged(12, { claimUid: 'old' })],
      ['delete one'],
      undefined,
    ],
    ['adopts the older of two containers', [aged(14), aged(15, { sandboxId: 'two' })], ['adopt two'], undefined],
    [
      'adopts the lower id of two containers of the same second',
      [aged(15, { sandboxId: 'two' }), aged(15)],
      ['adopt one'],
      undefined,
    ],
    ["adopts at once when the agent's clock is ahead", [aged(-100)], ['adopt one'], undefined],
  ])('%s', (_what, sandboxes, done, requeueAfterMs) => {
    expect(run(sandboxes)).toEqual({ done, requeueAfterMs });
  });

  const unknown = { object: undefined as never };
  it.each<[string, AgentSandboxStatus, string[], number | undefined]>([
    ['ends no unbound container before that', aged(3_600, unknown), [], 6_000],
    ['adopts at once', aged(3_600), ['adopt one'], undefined],
    ['ends a bound container at once', aged(3_600, { claimUid: 'old' }), ['delete one'], undefined],
  ])('without a leader for the whole timeout: %s', (_what, sandbox, done, requeueAfterMs) => {
    expect(run([sandbox], 4)).toEqual({ done, requeueAfterMs });
  });
});
