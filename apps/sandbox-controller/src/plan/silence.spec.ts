import { type Condition, type Sandbox, type SandboxSpec, type SandboxStatus } from '@fsb/api/sandbox';
import {
  agent,
  assigned,
  at,
  container,
  deeds,
  events,
  having,
  LOST,
  NOW,
  plan,
  sandbox,
  SILENT,
  statusIn,
  world,
} from '../testing/scene';
import { silence } from './silence';
import { type AssignedAgent } from './world';

const ready = (status: Condition['status'], seconds: number): Condition => ({
  ...{ type: 'Ready', status, message: 'm', lastTransitionTime: at(seconds).replace('.000', '') },
  reason: status === 'True' ? 'Running' : 'AgentUnreachable',
});
const running = (condition: Condition, spec: Partial<SandboxSpec> = {}): Sandbox =>
  sandbox({ spec, status: assigned('Running', { endpoints: ['10.0.0.1:8080'], conditions: [condition] }) });
const silent = (seconds: number, more: Partial<AssignedAgent> = {}): AssignedAgent =>
  agent({ presence: 'silent', silentMs: seconds * 1000, podReady: false, ...more });
const readyOf = (status: SandboxStatus | undefined) => status?.conditions?.find(({ type }) => type === 'Ready');

describe('planSilence', () => {
  it('keeps the phase, and sets Ready to Unknown since the silence began', () => {
    const result = plan(running(ready('True', -60)), world({ agent: SILENT }));
    expect(statusIn(result)).toMatchObject({ phase: 'Running', endpoints: ['10.0.0.1:8080'] });
    expect(readyOf(statusIn(result))).toMatchObject({
      ...{ status: 'Unknown', reason: 'AgentUnreachable', lastTransitionTime: at(-10).replace('.000', '') },
      message: expect.stringContaining('agent-1') as string,
    });
    expect(events(result)).toEqual(['Warning AgentUnreachable']);
    expect(deeds(result)).toEqual([]);
    expect(result.requeueAfterMs).toBe(5_000);
  });

  it.each<[string, AssignedAgent, number]>([
    ['almost long enough to be lost', silent(59), 1_000],
    ['long enough, but the Pod is ready', silent(600, { podReady: true }), 5_000],
  ])('writes the status once and requeues: %s', (_what, away, requeueAfterMs) => {
    const first = plan(running(ready('True', -60)), world({ agent: away }));
    const written = { ...running(ready('True', -60)), status: statusIn(first)! };
    expect(plan(written, world({ agent: away }))).toEqual({ actions: [], requeueAfterMs });
  });

  it('sets Ready to True when the agent comes back', () => {
    const result = plan(running(ready('Unknown', -30)), having(container('running')));
    expect(readyOf(statusIn(result))).toMatchObject({ status: 'True', reason: 'Running' });
    expect(events(result)).toEqual(['Normal Running']);
  });

  it('ends in Lost after recoveryTimeoutSeconds, not before', () => {
    const patient = running(ready('Unknown', -61), { recoveryTimeoutSeconds: 120 });
    expect(statusIn(plan(patient, world({ agent: LOST })))).toMatchObject({ phase: 'Running' });
    expect(statusIn(plan(running(ready('Unknown', -61)), world({ agent: LOST })))).toMatchObject({ phase: 'Lost' });
  });
});

describe('silence', () => {
  it.each<[string, Condition, number, number]>([
    ['takes its own observation', ready('True', -600), 7_000, 7_000],
    ['takes the record of an earlier leader', ready('Unknown', -50), 6_000, 50_000],
    ['takes its own observation if it is longer than the record', ready('Unknown', -50), 70_000, 70_000],
    ['ignores the record just after a start', ready('Unknown', -50), 4_000, 4_000],
    ['ignores a Ready that is False', ready('False', -50), 6_000, 6_000],
  ])('%s', (_what, condition, ownMs, expected) => {
    expect(silence(running(condition), ownMs, NOW)).toBe(expected);
  });
});
