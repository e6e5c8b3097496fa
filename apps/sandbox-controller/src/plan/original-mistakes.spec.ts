/** Observed mistakes of the Go predecessor, numbered as in their list; others are tested by process-level specs. */
import { type Sandbox, type SandboxSpec } from '@fsb/api/sandbox';
import { Registry } from '@fsb/registry/registry';
import {
  AGENT,
  agent,
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
  plan,
  sandbox,
  SILENT,
  statusIn,
  UID,
  world,
} from '../testing/scene';
import { planSandbox } from './sandbox-plan';
import { type World } from './world';

/** Runs `count` passes in the same world. Returns the last object and the numbers of status writes and creates. */
function passes(object: Sandbox, now: World, count: number) {
  let [writes, creates] = [0, 0];
  for (let pass = 0; pass < count; pass++) {
    for (const action of planSandbox(object, now).actions) {
      if (action.type === 'start_create') creates++;
      if (action.type === 'remove_allocation') object.metadata.annotations = {};
      if (action.type !== 'set_status') continue;
      writes++;
      object = { ...object, status: action.status };
    }
    if (creates > 0) break; // the agent's report decides from here on
  }
  return { object, writes, creates };
}
const auto: Partial<SandboxSpec> = { failurePolicy: 'AutoRecreate' };
const newer = { resetRevision: at(0) };
const mine = container('running', { claimUid: UID, sandboxId: FAST_ID });

describe('Go predecessor 5.1 #3: recovery of a FAST sandbox', () => {
  it('with policy Manual writes once, binds to no dead agent and takes no slot', () => {
    const { object, writes, creates } = passes(fastSandbox(), world({ agent: GONE }), 40);
    expect([writes, creates]).toEqual([1, 0]);
    expect(object.status).toMatchObject({ phase: 'Lost', reason: 'AgentLost' });
    expect(object.metadata.annotations).toEqual({});
  });

  it('with policy AutoRecreate asks another agent once', () => {
    const lost = fastSandbox({ spec: auto, status: assigned('Lost', { sandboxID: FAST_ID, finishedAt: at(-9) }) });
    const { object, writes, creates } = passes(lost, world({ agent: GONE }), 40);
    expect([writes, creates]).toEqual([2, 1]);
    expect(object.status).toMatchObject({ phase: 'Bound', assignedPod: 'agent-2', sandboxID: `${UID}-1` });
  });
});

describe('Go predecessor 5.1 #4, #5: reset', () => {
  it('of a FAST sandbox makes a new container, whatever the annotation says', () => {
    const status = assigned('Running', { sandboxID: FAST_ID });
    const { object, creates } = passes(fastSandbox({ spec: newer, status }), denying(), 40);
    expect(creates).toBe(1);
    expect(object.status).toMatchObject({ phase: 'Bound', assignedPod: 'agent-2', sandboxID: `${UID}-1` });
  });

  it('on the same agent waits for the old container, and uses another id', () => {
    const object = sandbox({ spec: newer, status: assigned('Running') });
    const waiting = plan(object, having(container('terminating')));
    expect(statusIn(waiting)).toMatchObject({ phase: 'Terminating', reason: 'Reset' });
    const same = { state: 'found', agentId: AGENT, podName: 'agent-1', nodeName: 'node-1' } as const;
    const { object: bound, creates } = passes(object, denying({ candidate: same }), 40);
    expect(creates).toBe(1);
    expect(bound.status).toMatchObject({ assignedPod: 'agent-1', sandboxID: `${UID}-1` });
  });
});

describe('Go predecessor 5.1 #7: Registry.release', () => {
  it('releases only the sandbox’s own slot, even if repeated', () => {
    const registry = new Registry();
    const pool = { namespace: 'team', pool: 'pool' };
    registry.upsertAgent({ id: AGENT, ...pool, capacity: 2, images: [], schedulable: true });
    for (const sandboxId of ['a', 'b']) {
      registry.reserve(AGENT, { sandboxId, name: sandboxId, namespace: 'team', ports: [] });
    }
    for (let times = 0; times < 3; times++) registry.release(AGENT, 'a');
    const next = { sandboxId: 'c', name: 'c', namespace: 'team', ports: [] };
    expect(registry.reserve(AGENT, next)).toBe(true);
    expect(registry.reserve(AGENT, { ...next, sandboxId: 'd' })).toBe(false);
  });
});

describe('Go predecessor 5.1 #8: agent that comes back', () => {
  it('has its containers of older attempts ended', () => {
    const current = container('running', { sandboxId: `${UID}-1` });
    const now = having(current, { claimed: [claimed(current, 'agent-2'), claimed(container('running'))] });
    const status = assigned('Running', { attempt: 1, sandboxID: `${UID}-1`, assignedPod: 'agent-2' });
    expect(deeds(plan(sandbox({ status }), now))).toEqual([`delete_container ${UID}@${AGENT}`]);
  });
});

describe('Go predecessor 5.2', () => {
  const deleting = (object: Sandbox): Sandbox => ({
    ...object,
    metadata: { ...object.metadata, deletionTimestamp: at(-1) },
  });

  it('deletion: only the agent confirms it, not the lack of a report', () => {
    const young = deleting(sandbox({ status: assigned('Running') }));
    const unreported = world({ agent: agent(), report: { state: 'unknown' } });
    expect(deeds(plan(young, unreported))).toEqual([]);
    expect(deeds(plan(young, world({ agent: SILENT })))).toEqual([]);
    expect(deeds(plan(young, denying()))).toEqual(['remove_finalizer']);
  });

  it('deletion during a create: waits for the end of the call, so that no container is left', () => {
    const inFlight = denying({ call: { state: 'in_flight' } });
    expect(deeds(plan(deleting(sandbox({ status: assigned('Bound') })), inFlight))).toEqual([]);
  });

  it('deletion of a failed sandbox: deletes the container on its agent too', () => {
    const failed = deleting(sandbox({ status: assigned('Failed', { exitCode: 1 }) }));
    expect(deeds(plan(failed, having(container('failed', { exitCode: 1 }))))).toEqual([
      `delete_container ${UID}@${AGENT}`,
    ]);
  });

  it('agent phase terminating: is not written to the object', () => {
    for (const phase of ['Bound', 'Running'] as const) {
      expect(plan(sandbox({ status: assigned(phase) }), having(container('terminating'))).actions).toEqual([]);
    }
  });

  it('expireTime: a short one is honoured, and hides neither loss nor reset before it', () => {
    const soon = { expireTime: at(0.4) };
    expect(plan(sandbox({ spec: soon, status: assigned('Lost') }), world({ agent: GONE })).requeueAfterMs).toBe(400);
    expect(statusIn(plan(sandbox({ spec: soon, status: assigned('Running') }), world({ agent: GONE })))).toMatchObject({
      phase: 'Lost',
    });
    const reset = sandbox({ spec: { ...soon, ...newer }, status: assigned('Running') });
    expect(statusIn(plan(reset, denying()))).toMatchObject({ phase: 'Pending', attempt: 1 });
  });

  it('reset: two within a second are two, and one by a slow clock is reported', () => {
    const accepted = '2026-05-01T12:00:00.100000001Z';
    const object = (resetRevision: string, generation = 2): Sandbox =>
      sandbox({
        spec: { resetRevision },
        metadata: { generation },
        status: assigned('Running', { sandboxID: FAST_ID, acceptedResetRevision: accepted }),
      });
    expect(statusIn(plan(object('2026-05-01T12:00:00.100000002Z'), denying()))).toMatchObject({ attempt: 1 });
    const behind = plan(object('2026-05-01T11:59:59Z'), having(mine));
    expect(events(behind)).toContain('Warning ResetIgnored');
    expect(statusIn(behind)).toMatchObject({ phase: 'Running', attempt: 0 });
    expect(events(plan(object('2026-05-01T11:59:59Z', 1), having(mine)))).not.toContain('Warning ResetIgnored');
  });

  it('endpoints: are removed with their container', () => {
    const status = assigned('Running', { endpoints: ['10.0.0.1:8080'] });
    for (const now of [world({ agent: GONE }), having(container('failed', { exitCode: 1 })), denying()]) {
      expect(statusIn(plan(sandbox({ status }), now))).not.toHaveProperty('endpoints');
    }
  });
});
