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

describe('an agent out of reach', () => {
  it('leaves the phase, and a Ready that nobody knows, since it fell silent', () => {
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
    ['almost too long', silent(59), 1_000],
    ['too long, but its Pod is well', silent(600, { podReady: true }), 5_000],
  ])('is told once, and looked at again: %s', (_what, away, requeueAfterMs) => {
    const first = plan(running(ready('True', -60)), world({ agent: away }));
    const told = { ...running(ready('True', -60)), status: statusIn(first)! };
    expect(plan(told, world({ agent: away }))).toEqual({ actions: [], requeueAfterMs });
  });

  it('is Ready again when it comes back', () => {
    const result = plan(running(ready('Unknown', -30)), having(container('running')));
    expect(readyOf(statusIn(result))).toMatchObject({ status: 'True', reason: 'Running' });
    expect(events(result)).toEqual(['Normal Running']);
  });

  it('is lost after recoveryTimeoutSeconds, not before', () => {
    const patient = running(ready('Unknown', -61), { recoveryTimeoutSeconds: 120 });
    expect(statusIn(plan(patient, world({ agent: LOST })))).toMatchObject({ phase: 'Running' });
    expect(statusIn(plan(running(ready('Unknown', -61)), world({ agent: LOST })))).toMatchObject({ phase: 'Lost' });
  });
});

describe('how long an agent has been silent', () => {
  it.each<[string, Condition, number, number]>([
    ['as this process has seen it', ready('True', -600), 7_000, 7_000],
    ['as the object says, where another leader saw it before', ready('Unknown', -50), 6_000, 50_000],
    ['as this process has seen it, where it began before', ready('Unknown', -50), 70_000, 70_000],
    ['a leader that has just begun has not listened yet', ready('Unknown', -50), 4_000, 4_000],
    ['a Ready that is False says nothing of it', ready('False', -50), 6_000, 6_000],
  ])('%s', (_what, condition, ownMs, expected) => {
    expect(silence(running(condition), ownMs, NOW)).toBe(expected);
  });
});
