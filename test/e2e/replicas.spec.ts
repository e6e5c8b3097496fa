import { eventually } from '../support/eventually';
import { type Acknowledged, PatientCaller } from '../support/patient-caller';
import { Stack } from '../support/stack';

const AGENTS = 2;
const SLOTS = 6;
const POOL = JSON.stringify({
  apiVersion: 'sandbox.fast.io/v1alpha1',
  kind: 'SandboxPool',
  metadata: { name: 'pool', namespace: 'default' },
  spec: {
    capacity: { poolMin: AGENTS, poolMax: AGENTS },
    maxSandboxesPerPod: SLOTS,
    agentTemplate: { spec: { containers: [{ name: 'agent', image: 'fast-sandbox/node-agent:latest' }] } },
  },
});
const COMMAND = ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1 & wait; done'];
const CONTROLLERS = ['sandbox-controller', 'pool-controller'];
/** The lease's 6 s and one retry per second; 16 s on two cores at a load of 30. */
const TAKE_OVER_MS = 40_000;

describe('Two gateways and two of each controller', () => {
  let stack: Stack;
  let once: PatientCaller;
  let patient: PatientCaller;

  beforeAll(async () => {
    stack = await Stack.start(2);
    expect((await stack.tryKubectl(['apply', '-f', '-'], POOL)).code).toBe(0);
    once = new PatientCaller(stack.endpoints, stack.credentials, 1);
    patient = new PatientCaller(stack.endpoints, stack.credentials);
    // once each gateway has filled every agent, both know both agents
    await eventually(async () => expect(await readyAgents()).toBe(AGENTS), 60_000, 300);
    await settle('warm-up', SLOTS * AGENTS);
  }, 300_000);

  afterAll(async () => {
    once.close();
    patient.close();
    await stack.end();
  }, 120_000);

  const readyAgents = async (): Promise<number> =>
    (await stack.status()).filter(({ name, health }) => name.startsWith('agent/') && health === 'ok').length;

  /** Creates `count` concurrent sandboxes and deletes them again. */
  async function settle(name: string, count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, n) => `${name}-${n}`);
    await Promise.all(names.map((each) => patient.create(each, { command: COMMAND })));
    await emptied(names);
  }

  async function emptied(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => patient.delete(name)));
    await eventually(async () => expect(await stack.containers()).toEqual([]), 60_000, 300);
    // the agent frees the slot after the removal from containerd, and then reports it to its followers
    await eventually(async () => expect(await idleAgents()).toBe(AGENTS), 60_000, 300);
  }

  const idleAgents = async (): Promise<number> =>
    Number(await stack.kubectl('get', 'sandboxpool', 'pool', '-o', 'jsonpath={.status.idleAgents}'));

  const storm = async (name: string, count: number, ports: number[]): Promise<Acknowledged[]> => {
    const calls = Array.from({ length: count }, (_, n) =>
      once.create(`${name}-${n}`, { command: COMMAND, exposedPorts: ports }),
    );
    const outcomes = await Promise.allSettled(calls);
    const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []));
    for (const refusal of refusals) expect(refusal).toMatch(/RESOURCE_EXHAUSTED/);
    return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  };

  it('give out every slot, and each only once, to a hundred concurrent creates', async () => {
    const made = await storm('slot', 100, []);
    expect(made.length).toBe(AGENTS * SLOTS);
    // containerd learns of warm starts after their answers
    await eventually(async () => expect((await stack.containers()).sort()).toEqual(made.map(({ id }) => id).sort()));
    await emptied(made.map(({ name }) => name));
  }, 120_000);

  it('give out a port of an agent only once', async () => {
    const made = await storm('port', 40, [8080]);
    expect(made.length).toBe(AGENTS);
    const seen = await Promise.all(made.map(async ({ name }) => (await patient.get(name)).endpoints));
    expect(new Set(seen.flat()).size).toBe(AGENTS);
    await emptied(made.map(({ name }) => name));
  }, 120_000);

  it('keep one sandbox of a name that both create at the same time', async () => {
    const names = Array.from({ length: 5 }, (_, n) => `same-${n}`);
    const calls = names.flatMap((name) => [0, 1].map(() => once.create(name, { command: COMMAND })));
    const answered = (await Promise.allSettled(calls)).flatMap((call) =>
      call.status === 'fulfilled' ? [call.value] : [],
    );
    expect(new Set(answered.map(({ name }) => name))).toEqual(new Set(names));
    await eventually(
      async () => {
        const ids = await Promise.all(names.map(async (name) => (await patient.get(name)).sandboxId));
        expect((await stack.containers()).sort()).toEqual(ids.sort());
        for (const id of ids) expect(answered.map((one) => one.id)).toContain(id);
      },
      60_000,
      300,
    );
    await emptied(names);
  }, 120_000);

  it.each(CONTROLLERS)(
    'hand over the lead of %s at SIGTERM, and take it over after kill -9',
    async (service) => {
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        const before = await eventually(() => leader(service), TAKE_OVER_MS, 200);
        const started = performance.now();
        process.kill(before.pid, signal);
        await eventually(async () => expect((await leader(service)).pid).not.toBe(before.pid), TAKE_OVER_MS, 100);
        process.stdout.write(`${service}: new leader ${Math.round(performance.now() - started)} ms after ${signal}\n`);
        await eventually(() => stack.expectHealthy(), 60_000, 300);
      }
      await settle(`after-${service}`, 2);
    },
    240_000,
  );

  /** @throws Error while the leader is not a running process */
  async function leader(service: string): Promise<{ name: string; pid: number }> {
    const path = 'jsonpath={.spec.holderIdentity}';
    const holder = await stack.kubectl('get', 'lease', service, '-n', 'kube-system', '-o', path);
    const rows = (await stack.status()).filter(({ name }) => name.startsWith(service));
    const found = rows.find(({ pid }) => holder.split('_')[1] === String(pid));
    if (!found) throw new Error(`the lease names ${holder}, which is none of ${rows.map(({ pid }) => pid).join(', ')}`);
    return found;
  }
});
