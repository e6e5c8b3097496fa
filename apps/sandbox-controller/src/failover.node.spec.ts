import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../../test/support/eventually';
import { type Asked, type Held } from '../../../test/support/gate';
import { type Replica } from './testing/replica';
import { SLEEP, ControllerStage, unbound } from './testing/controller-stage';

jest.setTimeout(60_000);
const ORPHAN_TIMEOUT_MS = 4_000;
const LEASE_MS = 6_000;
/** a candidate reads the Lease once a second, and the machine may be slow */
const SLACK_MS = 5_000;

let stage: ControllerStage;
let first: Replica;
let second: Replica;

beforeAll(async () => {
  stage = await ControllerStage.start(`${ORPHAN_TIMEOUT_MS}ms`);
  await stage.addAgent('agent-1');
  await stage.addAgent('agent-2');
  first = await stage.addReplica();
  await stage.leader();
  second = await stage.addReplica();
}, 120_000);

afterAll(() => stage.stop(), 60_000);

const createOf = (name: string) => (asked: Asked) =>
  asked.path.endsWith('/agent/create') && asked.body.includes(`"claimName":"${name}"`);
const statusOf = (name: string, phase: string, attempt: number) => (asked: Asked) =>
  asked.method === 'PUT' &&
  asked.path.includes(`/sandboxes/${name}/status`) &&
  asked.body.includes(`"phase":"${phase}"`) &&
  asked.body.includes(`"attempt":${attempt}`);
/** Holds matching requests at every agent; the first one held resolves `anyReached`. */
const holdAgents = (replica: Replica, where: 'question' | 'answer', matches: (asked: Asked) => boolean): Held[] =>
  [...replica.agents.values()].map((gate) => gate.hold(where, matches));
const anyReached = (held: Held[]): Promise<Asked> => Promise.race(held.map(({ reached }) => reached));

/** Expects one running container of the name, in this generation, bound to the object. */
async function runsOnce(name: string, attempt: number): Promise<void> {
  const { status, metadata } = await stage.reaches(name, { phase: 'Running', attempt });
  await eventually(async () => {
    expect(await stage.containers(name)).toEqual([
      expect.objectContaining({ sandboxId: status?.sandboxID, claimUid: metadata.uid, phase: 'running' }),
    ]);
  });
}

describe('Failover, after kill -9 of the leader in the middle of everything', () => {
  let tookMs = 0;
  let adopted: { id: string; createdAt: number };
  let half = '';
  let standbyDid: string[] = [];
  const raw = { endedAfterMs: 0 };

  async function beginEverything(): Promise<void> {
    for (const name of ['deleted', 'ending', 'reset']) await stage.create(name);
    for (const name of ['deleted', 'ending', 'reset']) await stage.reaches(name, { phase: 'Running' });
    const moments: (() => Promise<Asked>)[] = [
      async () => {
        const held = holdAgents(first, 'question', createOf('assigned'));
        await stage.create('assigned');
        return anyReached(held);
      },
      async () => {
        const held = holdAgents(first, 'answer', createOf('made'));
        const written = first.api.hold('question', statusOf('made', 'Running', 0));
        await stage.create('made');
        await anyReached(held);
        return written.reached;
      },
      async () => {
        const held = holdAgents(first, 'question', ({ path }) => path.endsWith('/agent/delete'));
        await stage.remove('deleted');
        return anyReached(held);
      },
      async () => {
        const held = first.api.hold('question', ({ method, path }) => method === 'PATCH' && path.endsWith('/ending'));
        await stage.remove('ending');
        return held.reached;
      },
      async () => {
        const held = first.api.hold('question', statusOf('reset', 'Pending', 1));
        await stage.change('reset', { resetRevision: '2031-01-01T00:00:00Z' });
        return held.reached;
      },
      async () => {
        const { id, request } = unbound('adopted', stage.agents.get('agent-1')!.process.pki.client);
        const held = first.api.hold('question', ({ method, path }) => method === 'POST' && path.endsWith('/sandboxes'));
        const { body } = await stage.agents.get('agent-1')!.process.create(id, request);
        adopted = { id, createdAt: body.createdAt };
        return held.reached;
      },
      async () => {
        const { id, request } = unbound('half', stage.agents.get('agent-1')!.process.pki.client);
        const held = first.api.hold(
          'question',
          ({ method, path }) => method !== 'GET' && path.includes('/half/status'),
        );
        half = id;
        await stage.agents.get('agent-2')!.process.create(id, request);
        return held.reached;
      },
    ];
    for (const begin of moments) await begin();
  }

  beforeAll(async () => {
    await beginEverything();
    standbyDid = second.changes();
    first.signal('SIGKILL');
    const killed = performance.now();
    await stage.agents.get('agent-2')!.process.create('raw', { claimName: 'raw', command: SLEEP });
    await stage.leader(first);
    tookMs = performance.now() - killed;
    await eventually(async () => (await stage.containers('raw')).every(({ phase }) => phase !== 'running'), 30_000);
    raw.endedAfterMs = performance.now() - killed - tookMs;
  }, 120_000);

  it('elects a standby that had changed nothing, within the lease time', () => {
    expect(standbyDid).toEqual([]);
    expect(tookMs).toBeLessThan(LEASE_MS + SLACK_MS);
  });

  it('makes the first container once if agent and id were recorded and the agent was not asked', () =>
    runsOnce('assigned', 0));

  it('keeps a container that the agent made and no status recorded', () => runsOnce('made', 0));

  it('deletes container and object if the delete had not reached the agent', async () => {
    await eventually(() => stage.isGone('deleted'), 20_000);
    expect(await stage.containers('deleted')).toEqual([]);
  });

  it('removes the finalizer of an object whose container had ended', () =>
    eventually(() => stage.isGone('ending'), 20_000));

  it('makes one container of generation 1 if the reset one had ended and the next was not recorded', async () => {
    await runsOnce('reset', 1);
    expect((await stage.get('reset')).status?.sandboxID).toMatch(/-1$/);
  });

  it('adopts an unbound container as it is', async () => {
    await runsOnce('adopted', 0);
    expect(await stage.containers('adopted')).toMatchObject([{ sandboxId: adopted.id, createdAt: adopted.createdAt }]);
  });

  it('completes an adoption whose object has no status yet', async () => {
    await runsOnce('half', 0);
    expect(await stage.containers('half')).toMatchObject([{ sandboxId: half }]);
  });

  it('ends no unbound container before a leader has led for the whole timeout', () => {
    expect(tookMs).toBeGreaterThan(ORPHAN_TIMEOUT_MS); // else the next line proves nothing
    expect(raw.endedAfterMs).toBeGreaterThan(ORPHAN_TIMEOUT_MS - 500);
  });
});

describe('Failover', () => {
  beforeAll(async () => {
    first = await stage.leader();
    second = await stage.addReplica();
  }, 60_000);

  it('replaces a leader stopped between assignment and create, which changes nothing when continued', async () => {
    const held = holdAgents(first, 'question', createOf('overtaken'));
    await stage.create('overtaken');
    await anyReached(held);
    first.signal('SIGSTOP');
    expect(await stage.leader(first)).toBe(second);
    await runsOnce('overtaken', 0);
    const did = first.changes().length;
    for (const each of held) each.release(); // requests sent before arrive late
    await sleep(1_000); // an absence has no event to wait for
    first.signal('SIGCONT');
    expect(await first.ended()).toBe(0);
    expect(first.changes().slice(did)).toEqual([]);
    await runsOnce('overtaken', 0);
  });

  it('counts an agent silence from before the new leader started', async () => {
    const recoveryTimeoutSeconds = 25;
    const before = await stage.leader();
    await stage.create('quiet', { recoveryTimeoutSeconds });
    const { status } = await stage.reaches('quiet', { phase: 'Running' });
    const pod = status?.assignedPod ?? '';
    const { pid } = stage.agents.get(pod)!.process;
    const silent = performance.now();
    process.kill(pid, 'SIGSTOP');
    try {
      await stage.setPodReady(pod, 'False');
      await eventually(async () => {
        const ready = (await stage.get('quiet')).status?.conditions?.find(({ type }) => type === 'Ready');
        return ready?.status === 'Unknown';
      }, 20_000);
      const startedMs = performance.now() - silent;
      const standby = await stage.addReplica();
      before.signal('SIGKILL');
      expect(await stage.leader(before)).toBe(standby);
      await stage.reaches('quiet', { phase: 'Lost', reason: 'AgentLost' }, 60_000);
      const tookMs = performance.now() - silent;
      expect(tookMs).toBeGreaterThan(recoveryTimeoutSeconds * 1000 - 1_000);
      expect(tookMs).toBeLessThan(startedMs + recoveryTimeoutSeconds * 1000); // later if counted from its own start
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await stage.setPodReady(pod, 'True');
    await stage.end('quiet');
  }, 120_000);

  it('hands over at once on SIGTERM', async () => {
    const standby = await stage.addReplica();
    const before = await stage.leader();
    const asked = performance.now();
    expect(await before.end('SIGTERM')).toBe(0);
    expect(await stage.leader(before)).toBe(standby);
    expect(performance.now() - asked).toBeLessThan(LEASE_MS);
    await stage.create('after');
    await runsOnce('after', 0);
  });
});
