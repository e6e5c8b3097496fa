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

describe('planSandbox, Running', () => {
  it('does nothing while it runs', () => {
    expect(plan(running(), having(container('running')))).toEqual({ actions: [], requeueAfterMs: undefined });
  });

  it.each<[string, World, SandboxStatus]>([
    [
      'exit code 0',
      having(container('stopped', { exitCode: 0, reason: 'Completed', finishedAt: at(-1) })),
      { phase: 'Succeeded', exitCode: 0, reason: 'Completed', finishedAt: at(-1) },
    ],
    [
      'exit code 3',
      having(container('failed', { exitCode: 3, reason: 'Error', finishedAt: at(-1) })),
      { phase: 'Failed', exitCode: 3, reason: 'Error', finishedAt: at(-1) },
    ],
    [
      'OOM kill',
      having(container('failed', { exitCode: 137, reason: 'OOMKilled' })),
      { phase: 'Failed', exitCode: 137, reason: 'OOMKilled' },
    ],
    [
      'an end that no one observed',
      having(container('failed', { reason: 'ContainerGone' })),
      { phase: 'Failed', reason: 'ContainerGone' },
    ],
    ['a missing task', having(container('terminated')), { phase: 'Failed', reason: 'ContainerGone' }],
    [
      'the loss of its shim',
      having(container('failed', { reason: 'ShimLost', finishedAt: at(-1) })),
      { phase: 'Failed', reason: 'ShimLost', finishedAt: at(-1) },
    ],
    ['an agent that does not have it', denying(), { phase: 'Lost', reason: 'ContainerGone' }],
    ['an agent Pod that is gone', world({ agent: GONE }), { phase: 'Lost', reason: 'AgentLost' }],
    ['an agent silent for too long', world({ agent: LOST }), { phase: 'Lost', reason: 'AgentLost' }],
  ])('ends after %s', (_what, now, status) => {
    const result = plan(running(), now);
    expect(statusIn(result)).toMatchObject({ ...status, assignedPod: 'agent-1', sandboxID: UID });
    expect(statusIn(result)).not.toHaveProperty('endpoints');
    expect(statusIn(result)?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False' }));
    expect(deeds(result)).toEqual([]);
    expect(events(result)).toEqual([`${status.phase === 'Succeeded' ? 'Normal' : 'Warning'} ${status.reason ?? ''}`]);
  });

  it.each<[string, World, number]>([
    ['for an instant', world({ agent: agent({ presence: 'silent', silentMs: 0 }) }), 5_000],
    ['almost long enough to show it', world({ agent: agent({ presence: 'silent', silentMs: 4_900 }) }), 100],
  ])('does nothing while its agent is out of reach %s', (_what, now, requeueAfterMs) => {
    expect(plan(running(), now)).toEqual({ actions: [], requeueAfterMs });
  });

  it('does not show the agent’s phase terminating', () => {
    expect(plan(running(), having(container('terminating'))).actions).toEqual([]);
  });

  it.each<[string, Sandbox, SandboxStatus]>([
    ['wrong endpoints', object('Running', {}, { endpoints: ['10.9.9.9:1'] }), { endpoints: ['10.0.0.1:8080'] }],
    ['a phase that another client wrote', object('Terminating'), { phase: 'Running', endpoints: ['10.0.0.1:8080'] }],
  ])('corrects %s', (_what, wrong, status) => {
    expect(statusIn(plan(wrong, having(container('running'))))).toMatchObject(status);
  });

  it('has no endpoints without ports', () => {
    const result = plan(object('Bound', { exposedPorts: [] }), having(container('running')));
    expect(statusIn(result)?.endpoints ?? []).toEqual([]);
  });
});

describe('planSandbox, failure policy Manual', () => {
  it.each<[string, Sandbox, World]>([
    ['Lost', object('Lost'), world({ agent: GONE })],
    ['Lost, with an agent that does not have it', object('Lost'), denying()],
    [
      'Failed',
      object('Failed', {}, { exitCode: 1, finishedAt: at(-999) }),
      having(container('failed', { exitCode: 1 })),
    ],
  ])('does nothing: %s', (_what, ended, now) => {
    expect(plan(ended, now).actions).toEqual([]);
  });

  it('restores a Lost sandbox whose agent returns with it', () => {
    const result = plan(object('Lost', {}, { reason: 'AgentLost', finishedAt: at(-9) }), having(container('running')));
    expect(statusIn(result)).toMatchObject({ phase: 'Running', sandboxID: UID, attempt: 0 });
    expect(statusIn(result)).not.toHaveProperty('reason');
    expect(statusIn(result)).not.toHaveProperty('finishedAt');
  });
});

describe('planSandbox, failure policy AutoRecreate', () => {
  const auto: Partial<SandboxSpec> = { failurePolicy: 'AutoRecreate' };
  const failed = (seconds: number, recreations = 0): Sandbox =>
    object('Failed', auto, { exitCode: 1, reason: 'Error', finishedAt: at(-seconds), recreations });
  const ended = container('failed', { exitCode: 1 });

  it.each<[string, Sandbox, World]>([
    ['after the loss of its agent Pod', object('Lost', auto, { finishedAt: at(-1) }), world({ agent: GONE })],
    ['after a silence for too long', object('Lost', auto, { finishedAt: at(-1) }), world({ agent: LOST })],
    ['after the loss of its container', object('Lost', auto, { finishedAt: at(-1) }), denying()],
    ['after a failure whose container is gone', failed(1), denying()],
    ['after an end that no one observed', object('Failed', auto, { reason: 'ContainerGone' }), denying()],
    ['after the loss of its shim', object('Failed', auto, { reason: 'ShimLost' }), denying()],
  ])('makes a new container with a new id %s', (_what, lost, now) => {
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
  ])('after %d recreations waits %d ms, and shows until when', (recreations, ms) => {
    const before = failed(0, recreations);
    const written = { ...before, status: { ...before.status, retryAt: at(ms / 1000) } };
    expect(statusIn(plan(before, having(ended)))).toEqual(written.status);
    expect(plan(written, having(ended))).toEqual({ actions: [], requeueAfterMs: ms });
    expect(deeds(plan(failed(ms / 1000, recreations), having(ended)))).toEqual([DELETE]);
  });

  it('resets the count after a long run', () => {
    const { status, ...rest } = running(auto);
    const flaky = { ...rest, status: { ...status, recreations: 3 } };
    const long = plan(flaky, having(container('running', { createdAt: NOW / 1000 - 600 })));
    expect(statusIn(long)).toMatchObject({ phase: 'Running' });
    expect(statusIn(long)).not.toHaveProperty('recreations');
    expect(plan(flaky, having(container('running')))).toEqual({ actions: [], requeueAfterMs: 540_000 });
  });

  it.each<[string, Sandbox, World]>([
    [
      'exit code 0',
      object('Succeeded', auto, { exitCode: 0, finishedAt: at(-99) }),
      having(container('stopped', { exitCode: 0 })),
    ],
    ['a missing command', object('Failed', auto, { reason: 'CommandNotFound', finishedAt: at(-99) }), world()],
    [
      'an expired sandbox',
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

  it('ends the old container if its agent returns with it', () => {
    const status = assigned('Running', { attempt: 1, sandboxID: `${UID}-1`, assignedPod: 'agent-2' });
    const current = container('running', { sandboxId: `${UID}-1` });
    const now = having(current, { claimed: [claimed(current, 'agent-2'), claimed(container('running'))] });
    expect(deeds(plan(sandbox({ status, spec: auto }), now))).toEqual([DELETE]);
  });
});

describe('planSandbox, expireTime', () => {
  const past = { expireTime: at(-0.001) };

  it.each<[string, Sandbox, World]>([
    ['never placed', sandbox({ spec: past }), world()],
    ['pending', sandbox({ spec: past, status: { phase: 'Pending' } }), world()],
    ['running, its container gone', object('Running', past), denying()],
    ['its agent Pod gone', object('Running', past), world({ agent: GONE })],
    ['lost, its agent silent', object('Lost', past), world({ agent: LOST })],
    ['bound', object('Bound', past), denying()],
  ])('clears the assignment: %s', (_what, due, now) => {
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

  it('shows an exit of the same moment instead', () => {
    const status = statusIn(plan(running(past), having(container('failed', { exitCode: 7, reason: 'Error' }))));
    expect(status).toMatchObject({ phase: 'Failed', exitCode: 7, reason: 'Error' });
  });

  it('waits for a silent agent', () => {
    const result = plan(running(past), world({ agent: SILENT }));
    expect(statusIn(result)).toMatchObject({ phase: 'Terminating', reason: 'Expired' });
    expect(deeds(result)).toEqual([]);
  });

  it('carries the ending through even if expireTime is removed', () => {
    const status = assigned('Terminating', { reason: 'Expired' });
    expect(statusIn(plan(sandbox({ status }), denying()))?.phase).toBe('Expired');
  });

  it.each([
    ['in half a second', 0.5, 500],
    ['in ten seconds', 10, 10_000],
    ['in a month, longer than a timer holds', 2_592_000, 3_600_000],
  ])('requeues for an expiry %s', (_what, seconds, requeueAfterMs) => {
    expect(plan(running({ expireTime: at(seconds) }), having(container('running')))).toEqual({
      actions: [],
      requeueAfterMs,
    });
  });

  it('shows what happens before it', () => {
    const soon = running({ expireTime: at(5) });
    expect(statusIn(plan(soon, having(container('failed', { exitCode: 1 }))))?.phase).toBe('Failed');
    expect(statusIn(plan(soon, world({ agent: GONE })))?.phase).toBe('Lost');
  });

  it.each(['Succeeded', 'Failed', 'Expired'] as const)('changes nothing of a %s sandbox', (phase) => {
    expect(plan(object(phase, past), having(container('stopped'))).actions).toEqual([]);
  });
});

describe('planSandbox, resetRevision', () => {
  const accepted = '2026-05-01T11:00:00.000000001Z';
  const newer = { resetRevision: '2026-05-01T11:00:00.000000002Z' };

  it.each<[string, Sandbox, World]>([
    ['running, its container gone', object('Running', newer, { acceptedResetRevision: accepted }), denying()],
    ['succeeded', object('Succeeded', newer, { acceptedResetRevision: accepted, exitCode: 0 }), denying()],
    ['failed, its agent gone', object('Failed', newer, { exitCode: 1, finishedAt: at(-1) }), world({ agent: GONE })],
    ['lost, its agent silent', object('Lost', newer), world({ agent: LOST })],
    ['expired, its expireTime removed', sandbox({ spec: newer, status: { phase: 'Expired' } }), world()],
    ['pending', sandbox({ spec: newer, status: { phase: 'Pending' } }), world({ notBefore: NOW + 60_000 })],
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

  it('waits for a silent agent that is not lost', () => {
    expect(statusIn(plan(running(newer), world({ agent: SILENT })))).toMatchObject({
      phase: 'Terminating',
      reason: 'Reset',
    });
  });

  it.each<[string, Partial<SandboxSpec>]>([
    ['the accepted revision', { resetRevision: accepted }],
    ['an older revision', { resetRevision: '2026-05-01T11:00:00Z' }],
    ['no revision', {}],
  ])('is not accepted again: %s', (_what, spec) => {
    const object_ = running(spec);
    const status = { ...object_.status, acceptedResetRevision: accepted };
    expect(plan({ ...object_, status }, having(container('running'))).actions).toEqual([]);
  });

  it('is ignored while expireTime has passed', () => {
    expect(
      plan(
        sandbox({ spec: { ...newer, expireTime: at(-9) }, status: { phase: 'Expired', observedGeneration: 1 } }),
        world(),
      ).actions,
    ).toEqual([]);
  });
});

describe('planSandbox, deleted pool', () => {
  it.each<[string, Sandbox, World]>([
    ['running, its agent gone', running(), world({ agent: GONE, pool: 'absent' })],
    ['bound', object('Bound'), denying({ pool: 'absent' })],
    ['lost, its agent gone', object('Lost'), world({ agent: GONE, pool: 'absent' })],
    ['running, the pool being deleted', running(), world({ agent: GONE, pool: 'deleting' })],
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

  it.each(['Succeeded', 'Failed'] as const)('changes nothing of a %s sandbox', (phase) => {
    expect(plan(object(phase), world({ agent: GONE, pool: 'absent' })).actions).toEqual([]);
  });
});

describe('planSandbox, ttlSecondsAfterFinished', () => {
  const ttl = { ttlSecondsAfterFinished: 60 };
  it.each<[string, Sandbox, string[], number | undefined]>([
    [
      'deletes a succeeded sandbox after it',
      object('Succeeded', ttl, { finishedAt: at(-61) }),
      ['delete_object'],
      undefined,
    ],
    [
      'deletes a failed sandbox after it',
      object('Failed', ttl, { finishedAt: at(-61), exitCode: 1 }),
      ['delete_object'],
      undefined,
    ],
    [
      'deletes an expired sandbox after it',
      sandbox({ spec: ttl, status: { phase: 'Expired', observedGeneration: 1, finishedAt: at(-60) } }),
      ['delete_object'],
      undefined,
    ],
    [
      'deletes at once with 0',
      object('Succeeded', { ttlSecondsAfterFinished: 0 }, { finishedAt: at(0) }),
      ['delete_object'],
      undefined,
    ],
    ['waits until then', object('Succeeded', ttl, { finishedAt: at(-50) }), [], 10_000],
    ['does nothing without finishedAt', object('Succeeded', ttl), [], undefined],
    ['does nothing without it', object('Succeeded', {}, { finishedAt: at(-999) }), [], undefined],
    ['does nothing for a lost sandbox', object('Lost', ttl, { finishedAt: at(-999) }), [], undefined],
    [
      'deletes a sandbox that is not recreated since its pool is gone',
      object('Failed', { ...ttl, failurePolicy: 'AutoRecreate' }, { finishedAt: at(-61), exitCode: 1 }),
      ['delete_object'],
      undefined,
    ],
    [
      'does nothing for a sandbox to be recreated',
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
