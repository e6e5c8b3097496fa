import { readFileSync } from 'node:fs';
import { ContainerLabels } from '@fsb/api/labels';
import { containerRecords } from '../support/container-list';
import { eventually } from '../support/eventually';
import { type Acknowledged, PatientCaller } from '../support/patient-caller';
import { Stack } from '../support/stack';
import { SteadyLoad } from '../support/steady-load';

/** Limit for "ready within seconds": on two busy cores the start of a Node process takes five of them. */
const READY_MS = 40_000;
const SLOTS = 8;
/** Ends at SIGTERM, so that its slot is freed at once. */
const COMMAND = ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1 & wait; done'];
const POOL = JSON.stringify({
  apiVersion: 'sandbox.fast.io/v1alpha1',
  kind: 'SandboxPool',
  metadata: { name: 'pool', namespace: 'default' },
  spec: {
    capacity: { poolMin: 2, poolMax: 2 },
    maxSandboxesPerPod: SLOTS,
    agentTemplate: { spec: { containers: [{ name: 'agent', image: 'fast-sandbox/node-agent:latest' }] } },
  },
});
const ALL_SERVICES = [
  ...['fastpath-gateway', 'fastpath-gateway-2', 'sandbox-controller', 'sandbox-controller-2'],
  ...['pool-controller', 'pool-controller-2', 'janitor', 'node', 'apiserver', 'containerd'],
];

describe('Under load, with two gateways and two of each controller', () => {
  let stack: Stack;
  let caller: PatientCaller;
  let kept: Acknowledged[];
  let tasks: Map<string, number>;
  let load: SteadyLoad;

  beforeAll(async () => {
    stack = await Stack.start(2);
    expect((await stack.tryKubectl(['apply', '-f', '-'], POOL)).code).toBe(0);
    await eventually(async () => expect((await agents()).length).toBe(2), 60_000, 300);
    caller = new PatientCaller(stack.endpoints, stack.credentials);
    kept = await Promise.all([0, 1, 2].map((n) => caller.create(`kept-${n}`, { command: COMMAND })));
    tasks = await eventually(async () => {
      const pids = await taskPids();
      return kept.every(({ id }) => pids.has(id)) && pids; // containerd learns of warm starts after the answer
    }, READY_MS);
    load = new SteadyLoad(caller, { command: COMMAND });
  }, 300_000);

  afterAll(async () => {
    caller.close();
    await stack.end();
  }, 120_000);

  const agents = async (): Promise<string[]> =>
    (await stack.status())
      .filter(({ name, health }) => name.startsWith('agent/') && health === 'ok')
      .map(({ name }) => name);

  /** Pids of the tasks, by sandbox id. */
  const taskPids = async (): Promise<Map<string, number>> => {
    const records = await containerRecords(stack.containerdSocket);
    const sandboxOf = new Map(records.map(({ id, labels }) => [id, labels[ContainerLabels.id] ?? id]));
    const rows = (await stack.ctr('tasks', 'ls')).split('\n').map((line) => line.trim().split(/\s+/));
    return new Map(
      rows.filter(([, pid]) => /^\d+$/.test(pid ?? '')).map(([id = '', pid]) => [sandboxOf.get(id) ?? id, Number(pid)]),
    );
  };

  const expectKept = async (): Promise<void> => {
    const now = await taskPids();
    for (const { name, id } of kept) {
      expect({ name, pid: now.get(id) }).toEqual({ name, pid: tasks.get(id) });
      expect(await caller.get(name)).toMatchObject({ sandboxId: id, phase: 'Running' });
    }
  };

  const expectReady = async (): Promise<void> => {
    await eventually(() => stack.expectHealthy(), READY_MS, 200);
    await load.goesOn(READY_MS);
  };

  it.each(ALL_SERVICES)(
    '%s: is back within seconds after kill -9, and every sandbox keeps its process',
    async (name) => {
      const pid = await stack.pid(name);
      process.kill(pid, 'SIGKILL');
      await eventually(async () => expect(await stack.pid(name)).not.toBe(pid), READY_MS, 200);
      await expectReady();
      await expectKept();
      expect(load.takeFailures()).toEqual([]);
    },
    150_000,
  );

  it('agents: are back within seconds after kill -9, and every sandbox keeps its process', async () => {
    for (const name of await agents()) {
      const pid = await stack.pid(name);
      process.kill(pid, 'SIGKILL');
      await eventually(async () => expect(await stack.pid(name)).not.toBe(pid), READY_MS, 200);
    }
    await expectReady();
    await expectKept();
    expect(load.takeFailures()).toEqual([]);
  }, 200_000);

  it('supervisor: the stack serves without it, and the next one takes over', async () => {
    process.kill(await stack.pid('supervisor'), 'SIGKILL');
    await load.goesOn(READY_MS);
    await stack.up();
    await expectReady();
    await expectKept();
    expect(load.takeFailures()).toEqual([]);
  }, 150_000);

  it('gateways and leading sandbox-controller: killed together, no sandbox is lost', async () => {
    const names = ['fastpath-gateway', 'fastpath-gateway-2', await leader('sandbox-controller')];
    const pids = await Promise.all(names.map((name) => stack.pid(name)));
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await expectReady();
    await expectKept();
    expect(load.takeFailures()).toEqual([]);
  }, 150_000);

  it('shim: its SIGKILL ends its own sandboxes and no others', async () => {
    const victim = kept.pop()!;
    const shim = parentOf(tasks.get(victim.id)!);
    const others = kept.filter(({ id }) => parentOf(tasks.get(id)!) !== shim);
    process.kill(shim, 'SIGKILL');
    await eventually(async () => expect((await caller.get(victim.name)).phase).toBe('Failed'), READY_MS, 200);
    kept = others;
    await expectKept();
    await expectReady();
  }, 150_000);

  it('loses nothing and leaves nothing behind', async () => {
    await load.end();
    expect(load.takeFailures()).toEqual([]);
    expect(load.acknowledged.length).toBeGreaterThan(20);
    const names = (await stack.kubectl('get', 'sandboxes', '-o', 'name')).split('\n').filter(Boolean);
    for (const name of names) await stack.kubectl('delete', '--ignore-not-found', name); // some are ending already
    await eventually(
      async () => {
        expect(await stack.kubectl('get', 'sandboxes', '-o', 'name')).toBe('');
        expect(await stack.containers()).toEqual([]);
        for (const kind of [['snapshots'], ['leases']]) {
          expect((await stack.ctr(...kind, 'ls', '-q').catch(() => '')).trim()).toBe('');
        }
      },
      60_000,
      500,
    );
  }, 180_000);

  async function leader(service: string): Promise<string> {
    const holder = await stack.kubectl(
      'get',
      'lease',
      service,
      '-n',
      'kube-system',
      '-o',
      'jsonpath={.spec.holderIdentity}',
    );
    const rows = (await stack.status()).filter(({ name }) => name.startsWith(service));
    return rows.find(({ pid }) => holder.includes(String(pid)))?.name ?? service;
  }
});

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
