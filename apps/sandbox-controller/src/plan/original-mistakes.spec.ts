/** What the original controller was seen to do wrong, by the numbers of that list; the rest is in the process-level specs. */
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

/** The object after so many passes in the same world, and how much was written and asked for on the way. */
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
    if (creates > 0) break; // from then on the agent's word counts
  }
  return { object, writes, creates };
}
const auto: Partial<SandboxSpec> = { failurePolicy: 'AutoRecreate' };
const newer = { resetRevision: at(0) };
const mine = container('running', { claimUid: UID, sandboxId: FAST_ID });

describe('5.1 #3: recovery of a FAST sandbox', () => {
  it('writes once, binds to no dead agent and takes no slot where the policy is Manual', () => {
    const { object, writes, creates } = passes(fastSandbox(), world({ agent: GONE }), 40);
    expect([writes, creates]).toEqual([1, 0]);
    expect(object.status).toMatchObject({ phase: 'Lost', reason: 'AgentLost' });
    expect(object.metadata.annotations).toEqual({});
  });

  it('asks another agent, once, where the policy is AutoRecreate', () => {
    const lost = fastSandbox({ spec: auto, status: assigned('Lost', { sandboxID: FAST_ID, finishedAt: at(-9) }) });
    const { object, writes, creates } = passes(lost, world({ agent: GONE }), 40);
    expect([writes, creates]).toEqual([2, 1]);
    expect(object.status).toMatchObject({ phase: 'Bound', assignedPod: 'agent-2', sandboxID: `${UID}-1` });
  });
});

describe('5.1 #4, #5: a reset', () => {
  it('of a FAST sandbox asks for a new container, whatever the annotation says', () => {
    const status = assigned('Running', { sandboxID: FAST_ID });
    const { object, creates } = passes(fastSandbox({ spec: newer, status }), denying(), 40);
    expect(creates).toBe(1);
    expect(object.status).toMatchObject({ phase: 'Bound', assignedPod: 'agent-2', sandboxID: `${UID}-1` });
  });

  it('on the same agent waits for the old container, and asks under another id', () => {
    const object = sandbox({ spec: newer, status: assigned('Running') });
    const waiting = plan(object, having(container('terminating')));
    expect(statusIn(waiting)).toMatchObject({ phase: 'Terminating', reason: 'Reset' });
    const same = { state: 'found', agentId: AGENT, podName: 'agent-1', nodeName: 'node-1' } as const;
    const { object: bound, creates } = passes(object, denying({ candidate: same }), 40);
    expect(creates).toBe(1);
    expect(bound.status).toMatchObject({ assignedPod: 'agent-1', sandboxID: `${UID}-1` });
  });
});

describe('5.1 #7: what is released', () => {
  it('is one’s own, however often it is', () => {
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

describe('5.1 #8: an agent that comes back', () => {
  it('has its copies of what went on elsewhere ended', () => {
    const current = container('running', { sandboxId: `${UID}-1` });
    const now = having(current, { claimed: [claimed(current, 'agent-2'), claimed(container('running'))] });
    const status = assigned('Running', { attempt: 1, sandboxID: `${UID}-1`, assignedPod: 'agent-2' });
    expect(deeds(plan(sandbox({ status }), now))).toEqual([`delete_container ${UID}@${AGENT}`]);
  });
});

describe('5.2', () => {
  const deleting = (object: Sandbox): Sandbox => ({
    ...object,
    metadata: { ...object.metadata, deletionTimestamp: at(-1) },
  });

  it('a deletion is confirmed by the agent alone, not by what it has not said yet', () => {
    const young = deleting(sandbox({ status: assigned('Running') }));
    const unsaid = world({ agent: agent(), report: { state: 'unknown' } });
    expect(deeds(plan(young, unsaid))).toEqual([]);
    expect(deeds(plan(young, world({ agent: SILENT })))).toEqual([]);
    expect(deeds(plan(young, denying()))).toEqual(['remove_finalizer']);
  });

  it('a deletion while the container is being made waits for the end of that call: no ghost is left', () => {
    const inFlight = denying({ call: { state: 'in_flight' } });
    expect(deeds(plan(deleting(sandbox({ status: assigned('Bound') })), inFlight))).toEqual([]);
  });

  it('a failed one is deleted at its agent too', () => {
    const failed = deleting(sandbox({ status: assigned('Failed', { exitCode: 1 }) }));
    expect(deeds(plan(failed, having(container('failed', { exitCode: 1 }))))).toEqual([
      `delete_container ${UID}@${AGENT}`,
    ]);
  });

  it('the agent’s own word terminating reaches no object', () => {
    for (const phase of ['Bound', 'Running'] as const) {
      expect(plan(sandbox({ status: assigned(phase) }), having(container('terminating'))).actions).toEqual([]);
    }
  });

  it('a short time runs, and the last of any time hides no loss and no reset', () => {
    const soon = { expireTime: at(0.4) };
    expect(plan(sandbox({ spec: soon, status: assigned('Lost') }), world({ agent: GONE })).requeueAfterMs).toBe(400);
    expect(statusIn(plan(sandbox({ spec: soon, status: assigned('Running') }), world({ agent: GONE })))).toMatchObject({
      phase: 'Lost',
    });
    const reset = sandbox({ spec: { ...soon, ...newer }, status: assigned('Running') });
    expect(statusIn(plan(reset, denying()))).toMatchObject({ phase: 'Pending', attempt: 1 });
  });

  it('two resets within a second are two, and one by a clock that is behind is told', () => {
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

  it('endpoints go with what served them', () => {
    const status = assigned('Running', { endpoints: ['10.0.0.1:8080'] });
    for (const now of [world({ agent: GONE }), having(container('failed', { exitCode: 1 })), denying()]) {
      expect(statusIn(plan(sandbox({ status }), now))).not.toHaveProperty('endpoints');
    }
  });
});
