import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../../test/support/eventually';
import { type Asked, type Held } from '../../../test/support/gate';
import { type Replica } from './testing/replica';
import { SLEEP, Stage, unbound } from './testing/stage';

jest.setTimeout(60_000);
const ORPHAN_TIMEOUT_MS = 4_000;
const LEASE_MS = 6_000;
/** a candidate looks once a second, and the machine may be slow */
const SLACK_MS = 5_000;

let stage: Stage;
let first: Replica;
let second: Replica;

beforeAll(async () => {
  stage = await Stage.start(`${ORPHAN_TIMEOUT_MS}ms`);
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
/** At whichever agent it is asked first. */
const holdAgents = (replica: Replica, where: 'question' | 'answer', matches: (asked: Asked) => boolean): Held[] =>
  [...replica.agents.values()].map((gate) => gate.hold(where, matches));
const anyReached = (held: Held[]): Promise<Asked> => Promise.race(held.map(({ reached }) => reached));

/** One container of its name, in this generation, and the object says the same. */
async function runsOnce(name: string, attempt: number): Promise<void> {
  const { status, metadata } = await stage.reaches(name, { phase: 'Running', attempt });
  await eventually(async () => {
    expect(await stage.containers(name)).toEqual([
      expect.objectContaining({ sandboxId: status?.sandboxID, claimUid: metadata.uid, phase: 'running' }),
    ]);
  });
}

describe('a leader killed with -9 in the middle of everything', () => {
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
        const told = first.api.hold('question', statusOf('made', 'Running', 0));
        await stage.create('made');
        await anyReached(held);
        return told.reached;
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

  it('is followed within the lease time by one that did nothing before', () => {
    expect(standbyDid).toEqual([]);
    expect(tookMs).toBeLessThan(LEASE_MS + SLACK_MS);
  });

  it('agent and id recorded, the agent not asked yet: one container, the first', () => runsOnce('assigned', 0));

  it('the agent has made it, nothing of it recorded: that container, no other', () => runsOnce('made', 0));

  it('before the agent is told to delete: container and object go', async () => {
    await eventually(() => stage.isGone('deleted'), 20_000);
    expect(await stage.containers('deleted')).toEqual([]);
  });

  it('the container ended, the finalizer still there: the object goes', () =>
    eventually(() => stage.isGone('ending'), 20_000));

  it('the old container ended, the next generation not recorded: one container, of generation 1', async () => {
    await runsOnce('reset', 1);
    expect((await stage.get('reset')).status?.sandboxID).toMatch(/-1$/);
  });

  it('with a container that no object stands for yet: it is adopted as it is', async () => {
    await runsOnce('adopted', 0);
    expect(await stage.containers('adopted')).toMatchObject([{ sandboxId: adopted.id, createdAt: adopted.createdAt }]);
  });

  it('with an adoption whose object has no status yet: it goes on with that object', async () => {
    await runsOnce('half', 0);
    expect(await stage.containers('half')).toMatchObject([{ sandboxId: half }]);
  });

  it('ends nothing unbound before somebody has led for the whole timeout', () => {
    expect(tookMs).toBeGreaterThan(ORPHAN_TIMEOUT_MS); // or the rest says nothing
    expect(raw.endedAfterMs).toBeGreaterThan(ORPHAN_TIMEOUT_MS - 500);
  });
});

describe('a leader', () => {
  beforeAll(async () => {
    first = await stage.leader();
    second = await stage.addReplica();
  }, 60_000);

  it('that stands still between assigning and asking is overtaken, and does nothing more when it goes on', async () => {
    const held = holdAgents(first, 'question', createOf('overtaken'));
    await stage.create('overtaken');
    await anyReached(held);
    first.signal('SIGSTOP');
    expect(await stage.leader(first)).toBe(second);
    await runsOnce('overtaken', 0);
    const did = first.changes().length;
    for (const each of held) each.release(); // what it had sent before arrives late
    await sleep(1_000); // nothing tells that nothing comes of it
    first.signal('SIGCONT');
    expect(await first.ended()).toBe(0);
    expect(first.changes().slice(did)).toEqual([]);
    await runsOnce('overtaken', 0);
  });

  it('goes on with a silence that began before it did', async () => {
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
      expect(tookMs).toBeLessThan(startedMs + recoveryTimeoutSeconds * 1000); // counted from its own start it would be later
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await stage.setPodReady(pod, 'True');
    await stage.end('quiet');
  }, 120_000);

  it('that is told to end hands over at once', async () => {
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
