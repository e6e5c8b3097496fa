import { existsSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { eventually } from '../../../test/support/eventually';
import { AgentProcess } from '../../../test/support/agent-process';

const PORTS = [7001, 7002];
const SLOTS = 4;

describe('node-agent: kills and pauses', () => {
  let agent: AgentProcess;
  let client: ContainerdClient;
  let runtime: SandboxRuntime;

  beforeAll(async () => {
    agent = await AgentProcess.start('crash', { 'agent-capacity': String(SLOTS), 'sandboxes-per-shim': '2' });
    client = new ContainerdClient(agent.containerd.socket);
    runtime = new SandboxRuntime(client);
    expect(await agent.create('kept', { ports: [7000], command: ['/bin/sleep', '100000'] })).toMatchObject({
      status: 200,
    });
  }, 120_000);

  afterAll(async () => {
    client.close();
    await agent.stop();
  }, 60_000);

  const remove = (sandboxId: string) => agent.post('delete', { sandboxId });
  const polite = { command: ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done'] };

  /** Runs `act` at containerd's first event of `topic`. Resolves once subscribed; `done` resolves after `act`. */
  async function on(topic: string, act: () => Promise<unknown>): Promise<{ done: Promise<void> }> {
    const leave = new AbortController();
    const probe = '/containers/update'; // containerd does not confirm a subscription: an event of our own does
    const filters = [topic, probe].map((name) => `topic=="${name}"`);
    const events = client.stream(() => client.events.subscribe({ filters }), leave.signal);
    const first = events.next();
    let isSubscribed = false;
    void first.then(() => (isSubscribed = true));
    await eventually(async () => {
      await runtime.setLabels('kept', { probe: String(performance.now()) });
      return isSubscribed;
    });
    const wait = async (): Promise<void> => {
      for await (const event of events) {
        if (event.topic !== topic) continue;
        await act();
        break;
      }
      leave.abort();
    };
    return { done: wait() };
  }

  async function leftOf(id: string): Promise<string[]> {
    const snapshot = client.snapshots.stat({ snapshotter: 'overlayfs', key: `${id}-snapshot` });
    const found = {
      record: (await runtime.list(`id==${id}`)).length > 0,
      snapshot: await snapshot.then(Boolean, () => false),
      folder: existsSync(agent.path('run/sandboxes', id)),
      log: existsSync(agent.path(`logs/${id}.log`)),
      reported: (await agent.of(id)) !== undefined,
    };
    return Object.entries(found).flatMap(([what, is]) => (is ? [what] : []));
  }

  async function isWhole(id: string): Promise<boolean> {
    const [record] = await runtime.list(`id==${id}`);
    return record?.task?.status === 'running' && (await agent.of(id))?.phase === 'running';
  }

  it.each(['/snapshot/prepare', '/containers/create', '/tasks/create', '/tasks/start'])(
    'reports a running sandbox or leaves nothing when killed in a create, after %s',
    async (topic) => {
      const id = `step${topic.replaceAll('/', '-')}`;
      const killed = await on(topic, () => agent.end('SIGKILL'));
      const answer = agent.create(id, { ports: [7001] }).catch(() => undefined);
      await killed.done;
      await answer;
      await agent.launch();
      await eventually(async () => (await isWhole(id)) || (await leftOf(id)).length === 0, 20_000);
      const runs = await isWhole(id);
      expect((await agent.status()).free?.usedPorts).toEqual([...agent.ownPorts, 7000, ...(runs ? [7001] : [])]);
      expect((await agent.status()).allocated).toBe(runs ? 2 : 1);
      if (runs) await runtime.kill(id, 'SIGKILL');
      await remove(id);
      await eventually(async () => expect(await leftOf(id)).toEqual([]));
    },
    60_000,
  );

  it.each(['/tasks/exit', '/tasks/delete', '/containers/delete', '/snapshot/remove'])(
    'completes a delete when killed in it, after %s',
    async (topic) => {
      const id = `end${topic.replaceAll('/', '-')}`;
      expect(await agent.create(id, polite)).toMatchObject({ status: 200 });
      const killed = await on(topic, () => agent.end('SIGKILL'));
      await remove(id);
      await killed.done;
      await agent.launch();
      await eventually(async () => expect(await leftOf(id)).toEqual([]), 20_000);
      expect(await agent.status()).toMatchObject({ allocated: 1, free: { usedPorts: [...agent.ownPorts, 7000] } });
    },
    60_000,
  );

  it('never exceeds its slots or gives a port twice, with two clients and a kill', async () => {
    const broken: string[] = [];
    const watched = new AbortController();
    const look = async (): Promise<void> => {
      while (!watched.signal.aborted) {
        const status = await agent.status().catch(() => undefined); // the agent is being killed
        const held = (status?.sandboxStatuses ?? []).filter((s) =>
          ['creating', 'running', 'terminating'].includes(s.phase),
        );
        const ports = held.flatMap((s) => s.ports ?? []);
        if (held.length > SLOTS || (status?.allocated ?? 0) > SLOTS) broken.push(`${held.length} slots`);
        if (new Set(ports).size < ports.length) broken.push(`ports ${ports.join()}`);
        await sleep(20);
      }
    };
    let made = 0;
    const over = new AbortController();
    const oneClient = async (name: string): Promise<void> => {
      for (let i = 0; !over.signal.aborted; i++) {
        const ids = [0, 1].map((n) => `${name}-${i}-${n}`);
        const answers = await Promise.allSettled(
          ids.map((id, n) => agent.create(id, { ...polite, ports: [PORTS[(i + n) % 2]!] })),
        );
        made += answers.filter((one) => one.status === 'fulfilled' && one.value.status === 200).length;
        // also sandboxes that the killed agent had answered for: else they hold both ports for ever
        await Promise.all(ids.map((id) => eventually(async () => (await remove(id)).status === 200, 30_000)));
        await sleep(20); // refusals return at once
      }
    };
    const looking = look();
    const clients = Promise.all([oneClient('a'), oneClient('b')]);
    await eventually(() => made > 3, 30_000);
    await agent.end('SIGKILL');
    await agent.launch();
    const before = made;
    await eventually(() => made > before + 3, 30_000);
    over.abort();
    await clients;
    watched.abort();
    await looking;
    expect(broken).toEqual([]);
    for (const { sandboxId } of (await agent.status()).sandboxStatuses)
      if (sandboxId !== 'kept') await remove(sandboxId);
    await eventually(async () => (await agent.status()).sandboxStatuses.length === 1, 30_000);
    expect((await runtime.list('')).map(({ id }) => id)).toEqual(['kept']);
    expect(readdirSync(agent.path('run/sandboxes'))).toEqual(['kept']);
  }, 90_000);

  it('catches up and continues after a pause of ten seconds', async () => {
    await agent.create('exits', { command: ['/bin/sh', '-c', 'sleep 2; exit 6'] });
    await agent.create('leaves', polite);
    const making = agent.create('making');
    await eventually(async () => (await runtime.list('id==making')).length > 0);
    await remove('leaves');
    process.kill(agent.pid, 'SIGSTOP');
    await sleep(10_000); // the pause itself is under test
    process.kill(agent.pid, 'SIGCONT');
    const { status } = await making;
    expect(await agent.ended('exits')).toMatchObject({ phase: 'failed', exitCode: 6 });
    await eventually(async () => (await leftOf('leaves')).length === 0, 20_000);
    if (status === 200) expect(await isWhole('making')).toBe(true);
    else await eventually(async () => (await leftOf('making')).length === 0, 20_000);
    await runtime.kill('making', 'SIGKILL');
    await Promise.all(['making', 'exits'].map(remove));
    await eventually(async () => (await agent.status()).sandboxStatuses.length === 1, 20_000);
  }, 60_000);

  it('answers a bind at once where the sandbox is being deleted, also while containerd is stopped', async () => {
    await agent.create('leaves', polite);
    process.kill(agent.containerd.pid, 'SIGSTOP');
    try {
      await remove('leaves');
      const bound = await agent.post('bind', { sandboxId: 'leaves', claimUid: 'u' }, AbortSignal.timeout(5_000));
      expect(bound).toMatchObject({ status: 200, body: { bound: false } });
    } finally {
      process.kill(agent.containerd.pid, 'SIGCONT');
    }
    await eventually(async () => (await leftOf('leaves')).length === 0, 20_000);
  }, 60_000);

  it.each(['/containers/create', '/tasks/create'])(
    'keeps sandboxes, makes creates whole or leaves nothing, and completes deletes when containerd is killed after %s',
    async (topic) => {
      const [before] = await runtime.list('id==kept');
      await agent.create('leaves', polite);
      const killed = await on(topic, () => agent.containerd.kill());
      await remove('leaves');
      const ids = ['c1', 'c2'];
      const answers = Promise.all(ids.map((id) => agent.create(id)));
      await killed.done;
      const away = performance.now();
      await agent.containerd.restart();
      await eventually(() => agent.ready(), 20_000);
      expect(performance.now() - away).toBeLessThan(15_000);
      for (const [i, { status, body }] of (await answers).entries()) {
        const id = ids[i]!;
        if (status === 200) expect(await isWhole(id)).toBe(true);
        else {
          expect(body.code).toBe('unavailable');
          await eventually(async () => expect(await leftOf(id)).toEqual([]), 40_000);
        }
      }
      await eventually(async () => expect(await leftOf('leaves')).toEqual([]), 40_000);
      const [after] = await runtime.list('id==kept');
      expect(after?.task).toMatchObject({ status: 'running', pid: before!.task!.pid });
      await Promise.all(ids.map((id) => runtime.kill(id, 'SIGKILL')));
      await Promise.all(ids.map(remove));
      await eventually(async () => (await agent.status()).sandboxStatuses.length === 1, 30_000);
      expect(await agent.status()).toMatchObject({ allocated: 1, free: { usedPorts: [...agent.ownPorts, 7000] } });
    },
    120_000,
  );
});
