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

describe('a sandbox that waits for its agent', () => {
  it('is assigned in its status before that agent is asked', () => {
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

  it('takes a reset that was there from the start for its first container', () => {
    const resetRevision = '2026-05-01T11:00:00.000000001Z';
    const result = plan(sandbox({ spec: { resetRevision } }), world());
    expect(statusIn(result)).toMatchObject({ phase: 'Bound', attempt: 0, acceptedResetRevision: resetRevision });
  });

  it('gets a new id for a new attempt', () => {
    const result = plan(sandbox({ status: { phase: 'Pending', attempt: 3 } }), world());
    expect(statusIn(result)).toMatchObject({ sandboxID: `${UID}-3`, attempt: 3 });
  });

  it.each<[string, World, string, string[]]>([
    ['no pool', world({ pool: 'absent' }), 'PoolNotFound', []],
    ['a pool that is going', world({ pool: 'deleting' }), 'PoolNotFound', []],
    ['no agent', world({ candidate: { state: 'none', reason: 'NoAgent', message: 'm' } }), 'NoAgent', ['back_off']],
    [
      'full agents',
      world({ candidate: { state: 'none', reason: 'InsufficientCapacity', message: 'm' } }),
      'InsufficientCapacity',
      ['back_off'],
    ],
    [
      'a secret that is not there',
      world({ inputs: { state: 'missing', message: 'secret "a"' } }),
      'ReferenceNotFound',
      ['back_off'],
    ],
    ['too early after a failure', world({ notBefore: NOW + 700 }), 'Waiting', []],
  ])('says why not: %s', (_what, now, reason, expected) => {
    const result = plan(sandbox(), now);
    const status = statusIn(result);
    expect(status).toMatchObject({ phase: 'Pending', reason });
    expect(readyOf(status)).toMatchObject({ status: 'False', reason });
    expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Scheduled', status: 'False', reason }));
    expect(deeds(result)).toEqual(expected);
    expect(events(result)).toEqual([`${reason === 'Waiting' ? 'Normal' : 'Warning'} ${reason}`]);
  });

  it('does not say it twice', () => {
    const full = world({ candidate: { state: 'none', reason: 'NoAgent', message: 'm' } });
    const result = plan(sandbox(), full, full);
    expect(statusIn(result)).toBeUndefined();
    expect(events(result)).toEqual([]);
    expect(deeds(result)).toEqual(['back_off']);
  });

  it('waits out its back-off without a word', () => {
    const result = plan(
      sandbox({ status: { phase: 'Pending', attempt: 0, observedGeneration: 1 } }),
      world({ notBefore: NOW + 700 }),
    );
    expect(result).toEqual({ actions: [], requeueAfterMs: 700 });
  });

  it('fails where what it refers to can never be read', () => {
    const result = plan(sandbox(), world({ inputs: { state: 'invalid', message: 'envs[0].valueFrom: fieldRef' } }));
    expect(statusIn(result)).toMatchObject({
      phase: 'Failed',
      reason: 'InvalidSpec',
      message: expect.stringContaining('fieldRef') as string,
    });
  });

  it('takes the container that is there already under its id', () => {
    const result = plan(sandbox({ status: { phase: 'Pending' } }), world({ claimed: [claimed(container('running'))] }));
    expect(statusIn(result)).toMatchObject({ phase: 'Bound', assignedPod: 'agent-1', sandboxID: UID });
    expect(deeds(result)).toEqual([]);
  });
});

describe('a sandbox that is assigned', () => {
  const bound = (more: SandboxStatus = {}): Sandbox => sandbox({ status: assigned('Bound', more) });
  const CREATE = `start_create ${UID}@${AGENT}`;

  it.each<[string, World, string | undefined, string[]]>([
    ['its agent runs it', having(container('running')), 'Running', ['forget placement']],
    ['its agent makes it', having(container('creating')), 'Bound', []],
    ['its agent ends it', having(container('terminating')), undefined, []],
    ['it has ended already', having(container('stopped', { exitCode: 0 })), 'Succeeded', []],
    ['it has failed already', having(container('failed', { exitCode: 2 })), 'Failed', []],
    ['its agent was never asked: after a restart of ours', denying(), undefined, [CREATE]],
    ['its agent is being asked', denying({ call: { state: 'in_flight' } }), undefined, []],
    ['too early after a failure', denying({ notBefore: NOW + 500 }), undefined, []],
    ['a secret went away', denying({ inputs: { state: 'missing', message: 'm' } }), 'Bound', ['back_off']],
    ['a reference that will never do', denying({ inputs: { state: 'invalid', message: 'm' } }), 'Failed', []],
    ['its agent is out of reach', world({ agent: SILENT }), 'Bound', []],
    ['its agent is out of reach for an instant', world({ agent: { ...SILENT, silentMs: 100 } }), undefined, []],
    ['its agent is out of reach and its Pod well', world({ agent: { ...LOST, podReady: true } }), 'Bound', []],
  ])('%s', (_what, now, phase, expected) => {
    const result = plan(bound(), now);
    expect(statusIn(result)?.phase).toBe(phase);
    expect(deeds(result)).toEqual(expected);
    if (phase === 'Bound') expect(statusIn(result)).toMatchObject({ assignedPod: 'agent-1', sandboxID: UID });
  });

  it('asks again as one that may have been asked before', () => {
    expect(plan(bound(), denying()).actions).toContainEqual(
      expect.objectContaining({ type: 'start_create', fresh: false }),
    );
  });

  it.each<[string, World, string]>([
    ['gone with its Pod', world({ agent: GONE }), 'AgentLost'],
    ['out of reach for too long', world({ agent: LOST }), 'AgentLost'],
    ['gone while it was asked', world({ agent: GONE, call: { state: 'in_flight' } }), 'AgentLost'],
  ])('is placed anew under another id when its agent is %s', (_what, now, reason) => {
    const result = plan(bound(), now);
    const status = statusIn(result);
    expect(status).toMatchObject({ phase: 'Pending', attempt: 1 });
    expect(readyOf(status)?.reason).toBe(reason);
    expect(status).not.toHaveProperty('assignedPod');
    expect(status).not.toHaveProperty('sandboxID');
  });

  it('is waited for as long as its object says', () => {
    const patient = sandbox({ status: assigned('Bound'), spec: { recoveryTimeoutSeconds: 120 } });
    expect(statusIn(plan(patient, world({ agent: LOST })))?.phase).toBe('Bound');
  });

  const FORGET = 'forget_call';
  const EXCLUDE = `exclude_agent ${AGENT}`;
  const message = 'm';
  it.each<[string, CreateOutcome, SandboxStatus, string, string[]]>([
    [
      'slots',
      { kind: 'refused', code: 'slots_full', message },
      { phase: 'Pending', attempt: 0 },
      'InsufficientCapacity',
      [FORGET, EXCLUDE],
    ],
    [
      'memory',
      { kind: 'refused', code: 'memory_full', message },
      { phase: 'Pending', attempt: 0 },
      'InsufficientCapacity',
      [FORGET, EXCLUDE],
    ],
    [
      'a port',
      { kind: 'refused', code: 'port_taken', message },
      { phase: 'Pending', attempt: 0 },
      'PortTaken',
      [FORGET, EXCLUDE],
    ],
    [
      'draining',
      { kind: 'refused', code: 'draining', message },
      { phase: 'Pending', attempt: 0 },
      'AgentDraining',
      [FORGET, EXCLUDE],
    ],
    [
      'no connection, ever',
      { kind: 'refused', code: 'unreachable', message },
      { phase: 'Pending', attempt: 0 },
      'AgentUnreachable',
      [FORGET, EXCLUDE],
    ],
    [
      'a newer generation there',
      { kind: 'refused', code: 'stale_generation', message },
      { phase: 'Pending', attempt: 1 },
      'StaleGeneration',
      [FORGET, EXCLUDE],
    ],
    [
      'the image',
      { kind: 'image_not_found', message },
      { phase: 'Pending', attempt: 0, failures: 1, retryAt: at(0.5) },
      'ImagePullFailed',
      [FORGET, 'forget placement'],
    ],
    [
      'the image, and it is not to be pulled',
      { kind: 'image_never_pull', message },
      { phase: 'Pending', attempt: 0, failures: 1, retryAt: at(0.5) },
      'ErrImageNeverPull',
      [FORGET, 'forget placement'],
    ],
    [
      'the command',
      { kind: 'command_not_found', message },
      { phase: 'Failed', reason: 'CommandNotFound', message },
      'CommandNotFound',
      [FORGET],
    ],
    [
      'the image',
      { kind: 'image_faulty', message },
      { phase: 'Failed', reason: 'ImageFaulty', message },
      'ImageFaulty',
      [FORGET],
    ],
    [
      'the spec',
      { kind: 'invalid_argument', message },
      { phase: 'Failed', reason: 'InvalidSpec', message },
      'InvalidSpec',
      [FORGET],
    ],
    [
      'the agent itself',
      { kind: 'failed', message },
      { phase: 'Pending', attempt: 1, failures: 1, retryAt: at(0.5) },
      'CreateFailed',
      [FORGET, 'forget placement', EXCLUDE],
    ],
    [
      'no answer, and no trace',
      { kind: 'no_answer', message },
      { phase: 'Bound', sandboxID: UID, attempt: 0, failures: 1, retryAt: at(0.5) },
      'AgentUnreachable',
      [FORGET],
    ],
    [
      'yes, and it is gone already',
      { kind: 'running' },
      { phase: 'Lost', reason: 'ContainerGone', sandboxID: UID },
      'ContainerGone',
      [FORGET],
    ],
  ])('was refused for %s', (_what, outcome, status, reason, expected) => {
    const result = plan(bound(), denying(settled(outcome)));
    expect(statusIn(result)).toMatchObject(status);
    expect(readyOf(statusIn(result))).toMatchObject({ status: 'False', reason });
    expect(deeds(result)).toEqual(expected);
    if (status.phase === 'Pending') expect(statusIn(result)).not.toHaveProperty('assignedPod');
  });

  it('stays with an agent that did not answer, and is out of reach', () => {
    const result = plan(bound(), world({ agent: SILENT, ...settled({ kind: 'no_answer', message }) }));
    expect(statusIn(result)).toMatchObject({ phase: 'Bound', assignedPod: 'agent-1' });
    expect(deeds(result)).toEqual([]);
  });

  it('believes an agent that said yes before it fell silent', () => {
    const result = plan(bound(), world({ agent: SILENT, ...settled({ kind: 'running' }) }));
    expect(statusIn(result)).toMatchObject({ phase: 'Running', endpoints: ['10.0.0.1:8080'] });
  });

  it('believes the report more than the answer', () => {
    const result = plan(bound(), having(container('running'), settled({ kind: 'no_answer', message })));
    expect(statusIn(result)?.phase).toBe('Running');
    expect(deeds(result)).toEqual([FORGET, 'forget placement']);
  });

  it('takes no other agent’s answer for its own', () => {
    const other = {
      state: 'settled',
      agentId: 'team/agent-9',
      outcome: { kind: 'refused', code: 'slots_full', message },
    } as const;
    const result = plan(bound(), denying({ call: other }));
    expect(statusIn(result)).toBeUndefined();
  });

  it('is put back where it says no agent', () => {
    const result = plan(sandbox({ status: { phase: 'Bound', attempt: 0 } }), world());
    expect(statusIn(result)).toMatchObject({ phase: 'Pending', attempt: 0 });
  });

  it('tells of its start', () => {
    const started = plan(bound(), having(container('running')));
    expect(events(started)).toEqual(['Normal Running']);
    expect(readyOf(statusIn(started))).toMatchObject({ status: 'True', lastTransitionTime: at(0).replace('.000', '') });
    expect(events(plan(bound(), world({ agent: SILENT })))).toEqual(['Warning AgentUnreachable']);
  });
});
