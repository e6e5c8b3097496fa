import { type Sandbox } from '@fsb/api/sandbox';
import {
  agent,
  AGENT,
  assigned,
  at,
  claimed,
  container,
  deeds,
  denying,
  events,
  FAST_ID,
  fastSandbox,
  GONE,
  having,
  LOST,
  plan,
  sandbox,
  SILENT,
  statusIn,
  UID,
  world,
} from '../testing/scene';
import { type World } from './world';

const deleted = (object: Sandbox): Sandbox => ({
  ...object,
  metadata: { ...object.metadata, deletionTimestamp: at(-1) },
});
const IN_FLIGHT = { call: { state: 'in_flight' } } as const;

describe('planSandbox, finalizer', () => {
  it('is added before anything else', () => {
    expect(plan(sandbox({ metadata: { finalizers: [] } }), world()).actions).toEqual([{ type: 'add_finalizer' }]);
  });

  it('is not added to an object being deleted', () => {
    expect(plan(deleted(sandbox({ metadata: { finalizers: ['other'] } })), world()).actions).toEqual([]);
  });
});

describe('planSandbox, deletion', () => {
  const unbound = container('running', { claimUid: '', sandboxId: FAST_ID });
  it.each<[string, Sandbox, World, string[]]>([
    ['never placed', sandbox(), world(), ['remove_finalizer']],
    ['Pending', sandbox({ status: { phase: 'Pending' } }), world(), ['remove_finalizer']],
    [
      'Running',
      sandbox({ status: assigned('Running') }),
      having(container('running')),
      [`delete_container ${UID}@${AGENT}`],
    ],
    [
      'Bound, being created',
      sandbox({ status: assigned('Bound') }),
      having(container('creating')),
      [`delete_container ${UID}@${AGENT}`],
    ],
    [
      'Succeeded',
      sandbox({ status: assigned('Succeeded') }),
      having(container('stopped')),
      [`delete_container ${UID}@${AGENT}`],
    ],
    [
      'Failed',
      sandbox({ status: assigned('Failed') }),
      having(container('failed')),
      [`delete_container ${UID}@${AGENT}`],
    ],
    [
      'Lost, and the agent is back',
      sandbox({ status: assigned('Lost') }),
      having(container('running')),
      [`delete_container ${UID}@${AGENT}`],
    ],
    [
      'Terminating: the delete is repeated',
      sandbox({ status: assigned('Terminating') }),
      having(container('terminating')),
      [`delete_container ${UID}@${AGENT}`],
    ],
    ['Terminating, the container gone', sandbox({ status: assigned('Terminating') }), denying(), ['remove_finalizer']],
    [
      'Running, the agent Pod gone',
      sandbox({ status: assigned('Running') }),
      world({ agent: GONE }),
      ['remove_finalizer'],
    ],
    ['Running, the agent silent', sandbox({ status: assigned('Running') }), world({ agent: SILENT }), []],
    ['Running, the agent lost', sandbox({ status: assigned('Running') }), world({ agent: LOST }), ['remove_finalizer']],
    [
      'Running, the agent silent for long, its Pod ready',
      sandbox({ status: assigned('Running') }),
      world({ agent: { ...LOST, podReady: true } }),
      [],
    ],
    [
      'Running, the agent lost, an older attempt on another agent',
      sandbox({ status: assigned('Running', { attempt: 1, sandboxID: `${UID}-1` }) }),
      world({ agent: LOST, claimed: [claimed(container('running'), 'agent-9')] }),
      [`delete_container ${UID}@team/agent-9`],
    ],
    [
      'Bound, the agent silent, its Pod ready',
      sandbox({ status: assigned('Bound') }),
      world({ agent: agent({ presence: 'silent' }) }),
      [],
    ],
    ['Bound, its create in flight', sandbox({ status: assigned('Bound') }), denying(IN_FLIGHT), []],
    ['Expired, without a container', sandbox({ status: { phase: 'Expired' } }), world(), ['remove_finalizer']],
    ['FAST, without a status', fastSandbox(), having(unbound), [`delete_container ${FAST_ID}@${AGENT}`]],
    ['FAST, without a status, the container gone', fastSandbox(), denying(), ['remove_finalizer']],
    [
      'Running, an older attempt on another agent',
      sandbox({ status: assigned('Running', { attempt: 1, sandboxID: `${UID}-1` }) }),
      denying({ claimed: [claimed(container('running'), 'agent-9')] }),
      [`delete_container ${UID}@team/agent-9`],
    ],
    [
      'Running, another sandbox of its name on the agent',
      sandbox({ status: assigned('Running') }),
      denying({ claimed: [claimed(container('running', { claimUid: '', sandboxId: 'theirs' }))] }),
      ['remove_finalizer'],
    ],
    [
      'Running, expired as well',
      sandbox({ status: assigned('Running'), spec: { expireTime: at(-9) } }),
      denying(),
      ['remove_finalizer'],
    ],
  ])('of %s', (_what, object, now, expected) => {
    const result = plan(deleted(object), now);
    expect(deeds(result).filter((deed) => deed !== 'remove_allocation')).toEqual(expected);
    if (expected[0] === 'remove_finalizer') expect(result.requeueAfterMs).toBeUndefined();
    else {
      expect(statusIn(result)?.phase ?? object.status?.phase).toBe('Terminating');
      expect(result.requeueAfterMs).toBeGreaterThan(0);
    }
  });

  it('shows what it waits for', () => {
    const object = deleted(sandbox({ status: assigned('Running') }));
    const result = plan(object, world({ agent: SILENT }));
    expect(statusIn(result)).toMatchObject({ phase: 'Terminating', reason: 'Deleted' });
    expect(statusIn(result)?.conditions).toContainEqual(
      expect.objectContaining({
        ...{ type: 'Ready', status: 'Unknown', reason: 'AgentUnreachable' },
        message: expect.stringContaining('agent-1') as string,
      }),
    );
    expect(events(result)).toEqual(['Warning AgentUnreachable']);
    expect(events(plan(object, world({ agent: LOST })))).toEqual(['Warning AgentLost']);
  });
});

describe('planSandbox, FAST objects', () => {
  const mine = container('running', { claimUid: '', sandboxId: FAST_ID });

  it('are assigned as annotated, bound, and lose the annotation', () => {
    const result = plan(fastSandbox(), having(mine));
    expect(statusIn(result)).toMatchObject({
      ...{ phase: 'Running', assignedPod: 'agent-1', nodeName: 'node-1', sandboxID: FAST_ID, attempt: 0 },
      endpoints: ['10.0.0.1:8080'],
    });
    expect(deeds(result)).toEqual(['forget placement', 'remove_allocation', `bind ${FAST_ID}@${AGENT}`]);
    expect(result.actions[0]?.type).toBe('set_status');
  });

  it('are bound without a status write if the gateway wrote the status', () => {
    const conditions = [
      { type: 'Ready', status: 'True', reason: 'Running', message: 'x', lastTransitionTime: at(-5) },
    ] as const;
    const status = assigned('Running', {
      sandboxID: FAST_ID,
      endpoints: ['10.0.0.1:8080'],
      conditions: [...conditions],
    });
    const result = plan(fastSandbox({ status }), having(mine));
    expect(statusIn(result)).toBeUndefined();
    expect(deeds(result)).toEqual(['remove_allocation', `bind ${FAST_ID}@${AGENT}`]);
  });

  it.each<[string, World, string]>([
    ['the agent Pod gone', world({ agent: GONE }), 'AgentLost'],
    ['the container gone', denying(), 'ContainerGone'],
  ])('are Lost, and not recreated: %s', (_what, now, reason) => {
    const result = plan(fastSandbox(), now);
    expect(statusIn(result)).toMatchObject({ phase: 'Lost', reason, sandboxID: FAST_ID, attempt: 0 });
    expect(deeds(result)).toEqual(['remove_allocation']);
  });

  it('are kept while the agent is silent', () => {
    expect(statusIn(plan(fastSandbox(), world({ agent: SILENT })))).toMatchObject({
      phase: 'Bound',
      sandboxID: FAST_ID,
    });
  });

  it('are placed like others, and lose the annotation, if it is malformed', () => {
    const annotations = { 'sandbox.fast.io/allocation': 'nonsense' };
    const result = plan(fastSandbox({ metadata: { annotations } }), world());
    expect(statusIn(result)).toMatchObject({ phase: 'Bound', assignedPod: 'agent-2', sandboxID: UID });
    expect(deeds(result)).toContain('remove_allocation');
  });
});

describe('planSandbox, bind', () => {
  it.each<[string, Sandbox, World, boolean]>([
    [
      'binds an unbound container of the object',
      fastSandbox(),
      having(container('running', { claimUid: '', sandboxId: FAST_ID })),
      true,
    ],
    ['binds an ended one', fastSandbox(), having(container('stopped', { claimUid: '', sandboxId: FAST_ID })), true],
    [
      'does not bind a terminating one',
      fastSandbox(),
      having(container('terminating', { claimUid: '', sandboxId: FAST_ID })),
      false,
    ],
    ['does not bind a bound one', sandbox({ status: assigned('Running') }), having(container('running')), false],
  ])('%s', (_what, object, now, bound) => {
    expect(plan(object, now).actions.some(({ type }) => type === 'bind')).toBe(bound);
  });
});

describe('planSandbox, orphan containers of the name', () => {
  const running = container('running');
  const with_ = (more: Parameters<typeof container>[1], pod = 'agent-9'): World =>
    having(running, { claimed: [claimed(running), claimed(container('running', more), pod)] });

  it.each<[string, World, string[], number | undefined]>([
    ['ends an older attempt', with_({ sandboxId: `${UID}-7` }), [`delete_container ${UID}-7@team/agent-9`], 2_000],
    [
      'ends one of an earlier object of the name',
      with_({ claimUid: 'uid-0', sandboxId: 'uid-0' }),
      ['delete_container uid-0@team/agent-9'],
      2_000,
    ],
    [
      'keeps the loser of a race until the orphan timeout',
      with_({ claimUid: '', sandboxId: 'late', createdAt: Date.parse(at(-4)) / 1000 }),
      [],
      6_000,
    ],
    [
      'ends the loser of a race after the orphan timeout',
      with_({ claimUid: '', sandboxId: 'late' }),
      ['delete_container late@team/agent-9'],
      2_000,
    ],
  ])('%s', (_what, now, expected, requeueAfterMs) => {
    const status = assigned('Running', {
      endpoints: ['10.0.0.1:8080'],
      conditions: [{ type: 'Ready', status: 'True', reason: 'Running', message: '', lastTransitionTime: at(-9) }],
    });
    const result = plan(sandbox({ status }), now);
    expect(deeds(result)).toEqual(expected);
    expect(statusIn(result)).toBeUndefined();
    expect(result.requeueAfterMs).toBe(requeueAfterMs);
  });

  it.each(['Expired', 'Failed'] as const)('ends the container of a %s object without an assignment', (phase) => {
    const status = { phase, attempt: 0, observedGeneration: 1, finishedAt: at(-60) };
    const result = plan(sandbox({ status }), world({ claimed: [claimed(container('running'))] }));
    expect(deeds(result)).toEqual([`delete_container ${UID}@${AGENT}`]);
  });

  it.each(['Succeeded', 'Failed', 'Lost', 'Running'] as const)(
    'keeps the container that a %s object is assigned to',
    (phase) => {
      const result = plan(
        sandbox({ status: assigned(phase, { exitCode: 1 }) }),
        having(container('failed', { exitCode: 1 })),
      );
      expect(deeds(result)).toEqual([]);
    },
  );
});

describe('planSandbox, observedGeneration', () => {
  it('follows the object even if nothing else changes', () => {
    const status = { phase: 'Expired', attempt: 0, observedGeneration: 1 } as const;
    const result = plan(sandbox({ status, metadata: { generation: 2 } }), world());
    expect(statusIn(result)).toEqual({ ...status, observedGeneration: 2 });
    expect(events(result)).toEqual([]);
  });
});
