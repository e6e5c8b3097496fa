import { type Sandbox, type SandboxSpec, type SandboxStatus } from '@fsb/api/sandbox';
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
  GONE,
  having,
  LOST,
  NOW,
  plan,
  sandbox,
  SILENT,
  statusIn,
  UID,
  world,
} from '../testing/scene';
import { type World } from './world';

const CLEARED = ['assignedPod', 'nodeName', 'sandboxID', 'endpoints'];
const DELETE = `delete_container ${UID}@${AGENT}`;
const object = (phase: SandboxStatus['phase'], spec: Partial<SandboxSpec> = {}, more: SandboxStatus = {}): Sandbox =>
  sandbox({ spec, status: assigned(phase, more) });
const running = (spec: Partial<SandboxSpec> = {}): Sandbox =>
  object('Running', spec, {
    endpoints: ['10.0.0.1:8080'],
    conditions: [{ type: 'Ready', status: 'True', reason: 'Running', message: '', lastTransitionTime: at(-60) }],
  });

describe('a running sandbox', () => {
  it('is left alone while it runs', () => {
    expect(plan(running(), having(container('running')))).toEqual({ actions: [], requeueAfterMs: undefined });
  });

  it.each<[string, World, SandboxStatus]>([
    [
      'exit 0',
      having(container('stopped', { exitCode: 0, reason: 'Completed', finishedAt: at(-1) })),
      { phase: 'Succeeded', exitCode: 0, reason: 'Completed', finishedAt: at(-1) },
    ],
    [
      'exit 3',
      having(container('failed', { exitCode: 3, reason: 'Error', finishedAt: at(-1) })),
      { phase: 'Failed', exitCode: 3, reason: 'Error', finishedAt: at(-1) },
    ],
    [
      'out of memory',
      having(container('failed', { exitCode: 137, reason: 'OOMKilled' })),
      { phase: 'Failed', exitCode: 137, reason: 'OOMKilled' },
    ],
    [
      'a process nobody saw end',
      having(container('failed', { reason: 'ContainerGone' })),
      { phase: 'Failed', reason: 'ContainerGone' },
    ],
    ['a task that is gone', having(container('terminated')), { phase: 'Failed', reason: 'ContainerGone' }],
    [
      'with its shim',
      having(container('failed', { reason: 'ShimLost', finishedAt: at(-1) })),
      { phase: 'Failed', reason: 'ShimLost', finishedAt: at(-1) },
    ],
    ['denied by its agent', denying(), { phase: 'Lost', reason: 'ContainerGone' }],
    ['its agent Pod is gone', world({ agent: GONE }), { phase: 'Lost', reason: 'AgentLost' }],
    ['out of reach for too long', world({ agent: LOST }), { phase: 'Lost', reason: 'AgentLost' }],
  ])('ends: %s', (_what, now, status) => {
    const result = plan(running(), now);
    expect(statusIn(result)).toMatchObject({ ...status, assignedPod: 'agent-1', sandboxID: UID });
    expect(statusIn(result)).not.toHaveProperty('endpoints');
    expect(statusIn(result)?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False' }));
    expect(deeds(result)).toEqual([]);
    expect(events(result)).toEqual([`${status.phase === 'Succeeded' ? 'Normal' : 'Warning'} ${status.reason ?? ''}`]);
  });

  it.each<[string, World, number]>([
    ['for an instant', world({ agent: agent({ presence: 'silent', silentMs: 0 }) }), 5_000],
    ['almost for long enough to say so', world({ agent: agent({ presence: 'silent', silentMs: 4_900 }) }), 100],
  ])('is left alone while its agent is out of reach %s', (_what, now, requeueAfterMs) => {
    expect(plan(running(), now)).toEqual({ actions: [], requeueAfterMs });
  });

  it('never shows the agent’s own word for being ended', () => {
    expect(plan(running(), having(container('terminating'))).actions).toEqual([]);
  });

  it.each<[string, Sandbox, SandboxStatus]>([
    ['wrong endpoints', object('Running', {}, { endpoints: ['10.9.9.9:1'] }), { endpoints: ['10.0.0.1:8080'] }],
    ['a phase that somebody else wrote', object('Terminating'), { phase: 'Running', endpoints: ['10.0.0.1:8080'] }],
  ])('is put right: %s', (_what, wrong, status) => {
    expect(statusIn(plan(wrong, having(container('running'))))).toMatchObject(status);
  });

  it('has no endpoints without ports', () => {
    const result = plan(object('Bound', { exposedPorts: [] }), having(container('running')));
    expect(statusIn(result)?.endpoints ?? []).toEqual([]);
  });
});

describe('Manual', () => {
  it.each<[string, Sandbox, World]>([
    ['a lost one stays lost', object('Lost'), world({ agent: GONE })],
    ['a lost one whose agent denies it', object('Lost'), denying()],
    [
      'a failed one stays failed',
      object('Failed', {}, { exitCode: 1, finishedAt: at(-999) }),
      having(container('failed', { exitCode: 1 })),
    ],
  ])('%s', (_what, ended, now) => {
    expect(plan(ended, now).actions).toEqual([]);
  });

  it('takes back one whose agent comes back with it', () => {
    const result = plan(object('Lost', {}, { reason: 'AgentLost', finishedAt: at(-9) }), having(container('running')));
    expect(statusIn(result)).toMatchObject({ phase: 'Running', sandboxID: UID, attempt: 0 });
    expect(statusIn(result)).not.toHaveProperty('reason');
    expect(statusIn(result)).not.toHaveProperty('finishedAt');
  });
});

describe('AutoRecreate', () => {
  const auto: Partial<SandboxSpec> = { failurePolicy: 'AutoRecreate' };
  const failed = (seconds: number, recreations = 0): Sandbox =>
    object('Failed', auto, { exitCode: 1, reason: 'Error', finishedAt: at(-seconds), recreations });
  const ended = container('failed', { exitCode: 1 });

  it.each<[string, Sandbox, World]>([
    ['after the loss of its agent Pod', object('Lost', auto, { finishedAt: at(-1) }), world({ agent: GONE })],
    ['after a silence that was too long', object('Lost', auto, { finishedAt: at(-1) }), world({ agent: LOST })],
    ['after its container went', object('Lost', auto, { finishedAt: at(-1) }), denying()],
    ['after a failure whose container is gone', failed(1), denying()],
    ['after a process nobody saw end', object('Failed', auto, { reason: 'ContainerGone' }), denying()],
    ['after one that ended with its shim', object('Failed', auto, { reason: 'ShimLost' }), denying()],
  ])('makes a new one under a new id %s', (_what, lost, now) => {
    const result = plan(lost, now);
    const status = statusIn(result);
    expect(status).toMatchObject({ phase: 'Pending', attempt: 1, recreations: 1 });
    for (const field of [...CLEARED, 'exitCode', 'finishedAt']) expect(status).not.toHaveProperty(field);
    expect(deeds(result)).toEqual([]);
  });

  it('ends the failed container first', () => {
    const result = plan(failed(1), having(ended));
    expect(statusIn(result)).toMatchObject({ phase: 'Terminating', reason: 'Recreate' });
    expect(deeds(result)).toEqual([DELETE]);
    expect(statusIn(plan(failed(1), having(ended), denying()))).toMatchObject({ phase: 'Pending', attempt: 1 });
  });

  it.each([
    [0, 1_000],
    [1, 2_000],
    [4, 16_000],
    [9, 300_000],
    [500, 300_000],
  ])('after %d in a row it waits %d ms, and says until when', (recreations, ms) => {
    const before = failed(0, recreations);
    const told = { ...before, status: { ...before.status, retryAt: at(ms / 1000) } };
    expect(statusIn(plan(before, having(ended)))).toEqual(told.status);
    expect(plan(told, having(ended))).toEqual({ actions: [], requeueAfterMs: ms });
    expect(deeds(plan(failed(ms / 1000, recreations), having(ended)))).toEqual([DELETE]);
  });

  it('counts from one again after a long run', () => {
    const { status, ...rest } = running(auto);
    const flaky = { ...rest, status: { ...status, recreations: 3 } };
    const long = plan(flaky, having(container('running', { createdAt: NOW / 1000 - 600 })));
    expect(statusIn(long)).toMatchObject({ phase: 'Running' });
    expect(statusIn(long)).not.toHaveProperty('recreations');
    expect(plan(flaky, having(container('running')))).toEqual({ actions: [], requeueAfterMs: 540_000 });
  });

  it.each<[string, Sandbox, World]>([
    [
      'exit 0',
      object('Succeeded', auto, { exitCode: 0, finishedAt: at(-99) }),
      having(container('stopped', { exitCode: 0 })),
    ],
    [
      'a command that is not there',
      object('Failed', auto, { reason: 'CommandNotFound', finishedAt: at(-99) }),
      world(),
    ],
    [
      'one whose time is over',
      object('Failed', { ...auto, expireTime: at(-9) }, { reason: 'Error', exitCode: 1, finishedAt: at(-99) }),
      having(ended),
    ],
    [
      'a deleted pool',
      object('Failed', auto, { reason: 'PoolDeleted', exitCode: 1, finishedAt: at(-99) }),
      world({ pool: 'absent' }),
    ],
  ])('never acts on %s', (_what, done, now) => {
    expect(statusIn(plan(done, now))).toBeUndefined();
    expect(deeds(plan(done, now)).filter((deed) => deed !== DELETE)).toEqual([]);
  });

  it('ends the old one, should its agent come back with it', () => {
    const status = assigned('Running', { attempt: 1, sandboxID: `${UID}-1`, assignedPod: 'agent-2' });
    const current = container('running', { sandboxId: `${UID}-1` });
    const now = having(current, { claimed: [claimed(current, 'agent-2'), claimed(container('running'))] });
    expect(deeds(plan(sandbox({ status, spec: auto }), now))).toEqual([DELETE]);
  });
});

describe('expireTime', () => {
  const past = { expireTime: at(-0.001) };

  it.each<[string, Sandbox, World]>([
    ['never placed', sandbox({ spec: past }), world()],
    ['waiting', sandbox({ spec: past, status: { phase: 'Pending' } }), world()],
    ['running, its container gone', object('Running', past), denying()],
    ['its agent Pod gone', object('Running', past), world({ agent: GONE })],
    ['lost', object('Lost', past), world({ agent: LOST })],
    ['bound', object('Bound', past), denying()],
  ])('leaves nothing but the object: %s', (_what, due, now) => {
    const status = statusIn(plan(due, now));
    expect(status).toMatchObject({ phase: 'Expired', reason: 'Expired', finishedAt: at(0).replace('.000', '') });
    for (const field of CLEARED) expect(status).not.toHaveProperty(field);
  });

  it('ends the container first, and waits for its end', () => {
    const result = plan(running(past), having(container('running')));
    expect(statusIn(result)).toMatchObject({ phase: 'Terminating', reason: 'Expired', assignedPod: 'agent-1' });
    expect(statusIn(result)).not.toHaveProperty('endpoints');
    expect(deeds(result)).toEqual([DELETE]);
    expect(result.requeueAfterMs).toBe(2_000);
    const next = plan(running(past), having(container('running')), denying());
    expect(statusIn(next)).toMatchObject({ phase: 'Expired' });
  });

  it('does not hide an exit that comes at the same moment', () => {
    const status = statusIn(plan(running(past), having(container('failed', { exitCode: 7, reason: 'Error' }))));
    expect(status).toMatchObject({ phase: 'Failed', exitCode: 7, reason: 'Error' });
  });

  it('waits for an agent that is out of reach', () => {
    const result = plan(running(past), world({ agent: SILENT }));
    expect(statusIn(result)).toMatchObject({ phase: 'Terminating', reason: 'Expired' });
    expect(deeds(result)).toEqual([]);
  });

  it('goes through with it, though the time was taken back', () => {
    const status = assigned('Terminating', { reason: 'Expired' });
    expect(statusIn(plan(sandbox({ status }), denying()))?.phase).toBe('Expired');
  });

  it.each([
    ['in half a second', 0.5, 500],
    ['in ten seconds', 10, 10_000],
    ['in a month: no timer holds so long', 2_592_000, 3_600_000],
  ])('is waited for: %s', (_what, seconds, requeueAfterMs) => {
    expect(plan(running({ expireTime: at(seconds) }), having(container('running')))).toEqual({
      actions: [],
      requeueAfterMs,
    });
  });

  it('hides nothing else that happens before it', () => {
    const soon = running({ expireTime: at(5) });
    expect(statusIn(plan(soon, having(container('failed', { exitCode: 1 }))))?.phase).toBe('Failed');
    expect(statusIn(plan(soon, world({ agent: GONE })))?.phase).toBe('Lost');
  });

  it.each(['Succeeded', 'Failed', 'Expired'] as const)('changes nothing of one that is %s', (phase) => {
    expect(plan(object(phase, past), having(container('stopped'))).actions).toEqual([]);
  });
});

describe('resetRevision', () => {
  const accepted = '2026-05-01T11:00:00.000000001Z';
  const newer = { resetRevision: '2026-05-01T11:00:00.000000002Z' };

  it.each<[string, Sandbox, World]>([
    ['running, its container gone', object('Running', newer, { acceptedResetRevision: accepted }), denying()],
    ['succeeded', object('Succeeded', newer, { acceptedResetRevision: accepted, exitCode: 0 }), denying()],
    ['failed, with its agent', object('Failed', newer, { exitCode: 1, finishedAt: at(-1) }), world({ agent: GONE })],
    ['lost', object('Lost', newer), world({ agent: LOST })],
    ['expired, its time taken back', sandbox({ spec: newer, status: { phase: 'Expired' } }), world()],
    ['waiting', sandbox({ spec: newer, status: { phase: 'Pending' } }), world({ notBefore: NOW + 60_000 })],
  ])('gives a new id: %s', (_what, reset, now) => {
    const result = plan(reset, now);
    const status = statusIn(result);
    expect(status).toMatchObject({ phase: 'Pending', attempt: 1, acceptedResetRevision: newer.resetRevision });
    for (const field of [...CLEARED, 'exitCode', 'finishedAt']) expect(status).not.toHaveProperty(field);
    expect(deeds(result)).toEqual(['forget placement']);
    expect(events(result)).toEqual(['Normal Reset']);
  });

  it('ends the old container first', () => {
    const result = plan(running(newer), having(container('running')));
    expect(statusIn(result)).toMatchObject({ phase: 'Terminating', reason: 'Reset', sandboxID: UID });
    expect(deeds(result)).toEqual([DELETE]);
    const next = plan(running(newer), having(container('running')), denying());
    expect(statusIn(next)).toMatchObject({ phase: 'Pending', attempt: 1 });
  });

  it('waits for an agent that is out of reach, as long as it may come back', () => {
    expect(statusIn(plan(running(newer), world({ agent: SILENT })))).toMatchObject({
      phase: 'Terminating',
      reason: 'Reset',
    });
  });

  it.each<[string, Partial<SandboxSpec>]>([
    ['the accepted one', { resetRevision: accepted }],
    ['an older one', { resetRevision: '2026-05-01T11:00:00Z' }],
    ['none', {}],
  ])('is not followed twice: %s', (_what, spec) => {
    const object_ = running(spec);
    const status = { ...object_.status, acceptedResetRevision: accepted };
    expect(plan({ ...object_, status }, having(container('running'))).actions).toEqual([]);
  });

  it('waits while the time is over', () => {
    expect(
      plan(
        sandbox({ spec: { ...newer, expireTime: at(-9) }, status: { phase: 'Expired', observedGeneration: 1 } }),
        world(),
      ).actions,
    ).toEqual([]);
  });
});

describe('a deleted pool', () => {
  it.each<[string, Sandbox, World]>([
    ['running, its agent gone', running(), world({ agent: GONE, pool: 'absent' })],
    ['bound', object('Bound'), denying({ pool: 'absent' })],
    ['lost', object('Lost'), world({ agent: GONE, pool: 'absent' })],
    ['running, the pool on its way out', running(), world({ agent: GONE, pool: 'deleting' })],
  ])('fails its sandboxes: %s', (_what, orphan, now) => {
    const result = plan(orphan, now);
    expect(statusIn(result)).toMatchObject({ phase: 'Failed', reason: 'PoolDeleted' });
    for (const field of CLEARED) expect(statusIn(result)).not.toHaveProperty(field);
  });

  it('ends their containers first', () => {
    const result = plan(running(), having(container('running'), { pool: 'deleting' }));
    expect(statusIn(result)).toMatchObject({ phase: 'Terminating', reason: 'PoolDeleted' });
    expect(deeds(result)).toEqual([DELETE]);
  });

  it.each(['Succeeded', 'Failed'] as const)('changes nothing of one that is %s', (phase) => {
    expect(plan(object(phase), world({ agent: GONE, pool: 'absent' })).actions).toEqual([]);
  });
});

describe('ttlSecondsAfterFinished', () => {
  const ttl = { ttlSecondsAfterFinished: 60 };
  it.each<[string, Sandbox, string[], number | undefined]>([
    ['over', object('Succeeded', ttl, { finishedAt: at(-61) }), ['delete_object'], undefined],
    ['over, and failed', object('Failed', ttl, { finishedAt: at(-61), exitCode: 1 }), ['delete_object'], undefined],
    [
      'over, and expired',
      sandbox({ spec: ttl, status: { phase: 'Expired', observedGeneration: 1, finishedAt: at(-60) } }),
      ['delete_object'],
      undefined,
    ],
    [
      'at once',
      object('Succeeded', { ttlSecondsAfterFinished: 0 }, { finishedAt: at(0) }),
      ['delete_object'],
      undefined,
    ],
    ['not yet', object('Succeeded', ttl, { finishedAt: at(-50) }), [], 10_000],
    ['without an end', object('Succeeded', ttl), [], undefined],
    ['not asked for', object('Succeeded', {}, { finishedAt: at(-999) }), [], undefined],
    ['lost is not finished', object('Lost', ttl, { finishedAt: at(-999) }), [], undefined],
    [
      'over, not to be made again: its pool is gone',
      object('Failed', { ...ttl, failurePolicy: 'AutoRecreate' }, { finishedAt: at(-61), exitCode: 1 }),
      ['delete_object'],
      undefined,
    ],
    [
      'to be made again',
      object('Failed', { ...ttl, failurePolicy: 'AutoRecreate' }, { finishedAt: at(-0.5), exitCode: 1 }),
      [],
      500,
    ],
  ])('%s', (_what, finished, expected, requeueAfterMs) => {
    const result = plan(
      finished,
      world({ agent: GONE, pool: _what.includes('its pool is gone') ? 'absent' : 'present' }),
    );
    expect(deeds(result)).toEqual(expected);
    expect(result.requeueAfterMs).toBe(requeueAfterMs);
  });
});
