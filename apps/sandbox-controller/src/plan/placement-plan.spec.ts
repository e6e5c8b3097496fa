import { type Sandbox, type SandboxStatus } from '@fsb/api/sandbox';
import {
  AGENT,
  assigned,
  at,
  claimed,
  container,
  deeds,
  denying,
  events,
  GONE,
  having,
  LOST,
  NOW,
  plan,
  sandbox,
  settled,
  SILENT,
  statusIn,
  UID,
  world,
} from '../testing/scene';
import { type CreateOutcome, type World } from './world';

const readyOf = (status: SandboxStatus | undefined) => status?.conditions?.find(({ type }) => type === 'Ready');

describe('planPending', () => {
  it('writes the assignment before the agent is asked', () => {
    const result = plan(sandbox(), world());
    expect(result.actions.map(({ type }) => type)).toEqual(['reserve', 'set_status', 'event', 'start_create']);
    expect(statusIn(result)).toMatchObject({
      ...{
        phase: 'Bound',
        assignedPod: 'agent-2',
        nodeName: 'node-2',
        sandboxID: UID,
        attempt: 0,
        observedGeneration: 1,
      },
    });
    expect(result.actions.at(-1)).toMatchObject({ sandboxId: UID, agentId: 'team/agent-2', fresh: true });
  });

  it('accepts a reset set from the start with the first container', () => {
    const resetRevision = '2026-05-01T11:00:00.000000001Z';
    const result = plan(sandbox({ spec: { resetRevision } }), world());
    expect(statusIn(result)).toMatchObject({ phase: 'Bound', attempt: 0, acceptedResetRevision: resetRevision });
  });

  it('uses a new id for a new attempt', () => {
    const result = plan(sandbox({ status: { phase: 'Pending', attempt: 3 } }), world());
    expect(statusIn(result)).toMatchObject({ sandboxID: `${UID}-3`, attempt: 3 });
  });

  it.each<[string, World, string, string[]]>([
    ['no pool', world({ pool: 'absent' }), 'PoolNotFound', []],
    ['a pool being deleted', world({ pool: 'deleting' }), 'PoolNotFound', []],
    ['no agent', world({ candidate: { state: 'none', reason: 'NoAgent', message: 'm' } }), 'NoAgent', ['back_off']],
    [
      'full agents',
      world({ candidate: { state: 'none', reason: 'InsufficientCapacity', message: 'm' } }),
      'InsufficientCapacity',
      ['back_off'],
    ],
    [
      'a missing secret',
      world({ inputs: { state: 'missing', message: 'secret "a"' } }),
      'ReferenceNotFound',
      ['back_off'],
    ],
    ['a back-off after a failure', world({ notBefore: NOW + 700 }), 'Waiting', []],
  ])('shows why it waits: %s', (_what, now, reason, expected) => {
    const result = plan(sandbox(), now);
    const status = statusIn(result);
    expect(status).toMatchObject({ phase: 'Pending', reason });
    expect(readyOf(status)).toMatchObject({ status: 'False', reason });
    expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Scheduled', status: 'False', reason }));
    expect(deeds(result)).toEqual(expected);
    expect(events(result)).toEqual([`${reason === 'Waiting' ? 'Normal' : 'Warning'} ${reason}`]);
  });

  it('shows a reason only once', () => {
    const full = world({ candidate: { state: 'none', reason: 'NoAgent', message: 'm' } });
    const result = plan(sandbox(), full, full);
    expect(statusIn(result)).toBeUndefined();
    expect(events(result)).toEqual([]);
    expect(deeds(result)).toEqual(['back_off']);
  });

  it('waits out its back-off without a status write', () => {
    const result = plan(
      sandbox({ status: { phase: 'Pending', attempt: 0, observedGeneration: 1 } }),
      world({ notBefore: NOW + 700 }),
    );
    expect(result).toEqual({ actions: [], requeueAfterMs: 700 });
  });

  it('fails with inputs that can never be resolved', () => {
    const result = plan(sandbox(), world({ inputs: { state: 'invalid', message: 'envs[0].valueFrom: fieldRef' } }));
    expect(statusIn(result)).toMatchObject({
      phase: 'Failed',
      reason: 'InvalidSpec',
      message: expect.stringContaining('fieldRef') as string,
    });
  });

  it('takes a container that already exists with its id', () => {
    const result = plan(sandbox({ status: { phase: 'Pending' } }), world({ claimed: [claimed(container('running'))] }));
    expect(statusIn(result)).toMatchObject({ phase: 'Bound', assignedPod: 'agent-1', sandboxID: UID });
    expect(deeds(result)).toEqual([]);
  });
});

describe('planBound', () => {
  const bound = (more: SandboxStatus = {}): Sandbox => sandbox({ status: assigned('Bound', more) });
  const CREATE = `start_create ${UID}@${AGENT}`;

  it.each<[string, World, string | undefined, string[]]>([
    ['the agent runs it', having(container('running')), 'Running', ['forget placement']],
    ['the agent creates it', having(container('creating')), 'Bound', []],
    ['the agent terminates it', having(container('terminating')), undefined, []],
    ['it has ended already', having(container('stopped', { exitCode: 0 })), 'Succeeded', []],
    ['it has failed already', having(container('failed', { exitCode: 2 })), 'Failed', []],
    ['the agent was never asked, after our restart', denying(), undefined, [CREATE]],
    ['the create is in flight', denying({ call: { state: 'in_flight' } }), undefined, []],
    ['a back-off after a failure', denying({ notBefore: NOW + 500 }), undefined, []],
    ['a secret is missing', denying({ inputs: { state: 'missing', message: 'm' } }), 'Bound', ['back_off']],
    ['a reference is invalid', denying({ inputs: { state: 'invalid', message: 'm' } }), 'Failed', []],
    ['the agent is silent', world({ agent: SILENT }), 'Bound', []],
    ['the agent is silent for an instant', world({ agent: { ...SILENT, silentMs: 100 } }), undefined, []],
    ['the agent is silent and its Pod ready', world({ agent: { ...LOST, podReady: true } }), 'Bound', []],
  ])('follows the agent: %s', (_what, now, phase, expected) => {
    const result = plan(bound(), now);
    expect(statusIn(result)?.phase).toBe(phase);
    expect(deeds(result)).toEqual(expected);
    if (phase === 'Bound') expect(statusIn(result)).toMatchObject({ assignedPod: 'agent-1', sandboxID: UID });
  });

  it('does not count a repeated create as fresh', () => {
    expect(plan(bound(), denying()).actions).toContainEqual(
      expect.objectContaining({ type: 'start_create', fresh: false }),
    );
  });

  it.each<[string, World, string]>([
    ['gone with its Pod', world({ agent: GONE }), 'AgentLost'],
    ['out of reach for too long', world({ agent: LOST }), 'AgentLost'],
    ['gone during the create', world({ agent: GONE, call: { state: 'in_flight' } }), 'AgentLost'],
  ])('starts another attempt when its agent is %s', (_what, now, reason) => {
    const result = plan(bound(), now);
    const status = statusIn(result);
    expect(status).toMatchObject({ phase: 'Pending', attempt: 1 });
    expect(readyOf(status)?.reason).toBe(reason);
    expect(status).not.toHaveProperty('assignedPod');
    expect(status).not.toHaveProperty('sandboxID');
  });

  it('waits for the agent for recoveryTimeoutSeconds', () => {
    const patient = sandbox({ status: assigned('Bound'), spec: { recoveryTimeoutSeconds: 120 } });
    expect(statusIn(plan(patient, world({ agent: LOST })))?.phase).toBe('Bound');
  });

  const FORGET = 'forget_call';
  const EXCLUDE = `exclude_agent ${AGENT}`;
  const message = 'm';
  it.each<[string, CreateOutcome, SandboxStatus, string, string[]]>([
    [
      'full slots',
      { kind: 'refused', code: 'slots_full', message },
      { phase: 'Pending', attempt: 0 },
      'InsufficientCapacity',
      [FORGET, EXCLUDE],
    ],
    [
      'full memory',
      { kind: 'refused', code: 'memory_full', message },
      { phase: 'Pending', attempt: 0 },
      'InsufficientCapacity',
      [FORGET, EXCLUDE],
    ],
    [
      'a taken port',
      { kind: 'refused', code: 'port_taken', message },
      { phase: 'Pending', attempt: 0 },
      'PortTaken',
      [FORGET, EXCLUDE],
    ],
    [
      'a draining agent',
      { kind: 'refused', code: 'draining', message },
      { phase: 'Pending', attempt: 0 },
      'AgentDraining',
      [FORGET, EXCLUDE],
    ],
    [
      'no connection at the first try',
      { kind: 'refused', code: 'unreachable', message },
      { phase: 'Pending', attempt: 0 },
      'AgentUnreachable',
      [FORGET, EXCLUDE],
    ],
    [
      'a stale generation',
      { kind: 'refused', code: 'stale_generation', message },
      { phase: 'Pending', attempt: 1 },
      'StaleGeneration',
      [FORGET, EXCLUDE],
    ],
    [
      'a missing image',
      { kind: 'image_not_found', message },
      { phase: 'Pending', attempt: 0, failures: 1, retryAt: at(0.5) },
      'ImagePullFailed',
      [FORGET, 'forget placement'],
    ],
    [
      'an image that must not be pulled',
      { kind: 'image_never_pull', message },
      { phase: 'Pending', attempt: 0, failures: 1, retryAt: at(0.5) },
      'ErrImageNeverPull',
      [FORGET, 'forget placement'],
    ],
    [
      'a missing command',
      { kind: 'command_not_found', message },
      { phase: 'Failed', reason: 'CommandNotFound', message },
      'CommandNotFound',
      [FORGET],
    ],
    [
      'a faulty image',
      { kind: 'image_faulty', message },
      { phase: 'Failed', reason: 'ImageFaulty', message },
      'ImageFaulty',
      [FORGET],
    ],
    [
      'an invalid spec',
      { kind: 'invalid_argument', message },
      { phase: 'Failed', reason: 'InvalidSpec', message },
      'InvalidSpec',
      [FORGET],
    ],
    [
      'a failure of the agent',
      { kind: 'failed', message },
      { phase: 'Pending', attempt: 1, failures: 1, retryAt: at(0.5) },
      'CreateFailed',
      [FORGET, 'forget placement', EXCLUDE],
    ],
    [
      'no answer, and no container',
      { kind: 'no_answer', message },
      { phase: 'Bound', sandboxID: UID, attempt: 0, failures: 1, retryAt: at(0.5) },
      'AgentUnreachable',
      [FORGET],
    ],
    [
      'a success, with a container already gone',
      { kind: 'running' },
      { phase: 'Lost', reason: 'ContainerGone', sandboxID: UID },
      'ContainerGone',
      [FORGET],
    ],
  ])('handles the outcome: %s', (_what, outcome, status, reason, expected) => {
    const result = plan(bound(), denying(settled(outcome)));
    expect(statusIn(result)).toMatchObject(status);
    expect(readyOf(statusIn(result))).toMatchObject({ status: 'False', reason });
    expect(deeds(result)).toEqual(expected);
    if (status.phase === 'Pending') expect(statusIn(result)).not.toHaveProperty('assignedPod');
  });

  it('stays with a silent agent that did not answer', () => {
    const result = plan(bound(), world({ agent: SILENT, ...settled({ kind: 'no_answer', message }) }));
    expect(statusIn(result)).toMatchObject({ phase: 'Bound', assignedPod: 'agent-1' });
    expect(deeds(result)).toEqual([]);
  });

  it('trusts the success of an agent that is silent since', () => {
    const result = plan(bound(), world({ agent: SILENT, ...settled({ kind: 'running' }) }));
    expect(statusIn(result)).toMatchObject({ phase: 'Running', endpoints: ['10.0.0.1:8080'] });
  });

  it('prefers the report to the answer', () => {
    const result = plan(bound(), having(container('running'), settled({ kind: 'no_answer', message })));
    expect(statusIn(result)?.phase).toBe('Running');
    expect(deeds(result)).toEqual([FORGET, 'forget placement']);
  });

  it('ignores the answer of another agent', () => {
    const other = {
      state: 'settled',
      agentId: 'team/agent-9',
      outcome: { kind: 'refused', code: 'slots_full', message },
    } as const;
    const result = plan(bound(), denying({ call: other }));
    expect(statusIn(result)).toBeUndefined();
  });

  it('goes back to Pending without an assigned agent', () => {
    const result = plan(sandbox({ status: { phase: 'Bound', attempt: 0 } }), world());
    expect(statusIn(result)).toMatchObject({ phase: 'Pending', attempt: 0 });
  });

  it('records an Event of the start', () => {
    const started = plan(bound(), having(container('running')));
    expect(events(started)).toEqual(['Normal Running']);
    expect(readyOf(statusIn(started))).toMatchObject({ status: 'True', lastTransitionTime: at(0).replace('.000', '') });
    expect(events(plan(bound(), world({ agent: SILENT })))).toEqual(['Warning AgentUnreachable']);
  });
});
