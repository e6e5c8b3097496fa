import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConsistencyMode } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type Sandbox } from '@fsb/api/sandbox';
import { eventually } from '../support/eventually';
import { PatientCaller } from '../support/patient-caller';
import { Stack } from '../support/stack';
import { SteadyLoad } from '../support/steady-load';

const ROOT = resolve(__dirname, '../..');
/** A commit, or the folder of a built tree. */
const FROM = process.env['FROM'] ?? '';
const IS_BUILT = FROM.startsWith('/');
const READY_MS = 60_000;
const BUILD_MS = 600_000;
/** Prints a number every tenth of a second until its file appears; exits with 7. */
const COUNTER = 'n=0; while [ ! -e /tmp/end ]; do echo $n; n=$((n + 1)); sleep 0.1; done; exit 7';
const COUNTING = ['/bin/sh', '-c', COUNTER];
/** Exits by itself while everything around it is replaced. */
const ENDING = ['/bin/sh', '-c', 'echo ends; sleep 20; echo ended; exit 9'];
const ENDED = ['/bin/sh', '-c', 'echo over; exit 5'];
const AT_SIGTERM = ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1 & wait; done'];

const POOL = {
  apiVersion: 'sandbox.fast.io/v1alpha1',
  kind: 'SandboxPool',
  metadata: { name: 'pool', namespace: 'default' },
  spec: {
    capacity: { poolMin: 2, poolMax: 2 },
    maxSandboxesPerPod: 12,
    agentTemplate: { spec: { containers: [{ name: 'agent', image: 'fast-sandbox/node-agent:latest' }] } },
  },
};
const DECLARED = {
  apiVersion: 'sandbox.fast.io/v1alpha1',
  kind: 'Sandbox',
  metadata: { name: 'declared', namespace: 'default' },
  spec: { image: 'busybox', poolRef: 'pool', command: COUNTING.slice(0, 1), args: COUNTING.slice(1) },
};
const RUNNING = ['fast', 'fast-ports', 'strong', 'declared'];

const CONTROLLERS = ['sandbox-controller', 'pool-controller', 'janitor'];
/** The order in which the processes get the new build; in between, gateway and agents have different builds. */
const ORDERS = [
  ['gateways first', ['node', 'apiserver', ...CONTROLLERS, 'fastpath-gateway', 'agents']],
  ['agents first', ['node', 'agents', 'fastpath-gateway', ...CONTROLLERS, 'apiserver']],
] as const;

let old: string;

beforeAll(() => {
  if (FROM === '') throw new Error('FROM is not set: FROM=<commit> names the version to upgrade from');
  old = IS_BUILT ? FROM : mkdtempSync('/var/tmp/fsb-upgrade-');
  if (IS_BUILT) return;
  execFileSync(join(ROOT, 'scripts/tree-of.sh'), [FROM, old], { stdio: 'inherit', timeout: BUILD_MS });
}, BUILD_MS);

afterAll(() => {
  if (!IS_BUILT) rmSync(old, { recursive: true, force: true });
});

describe.each(ORDERS)('An upgrade under load, %s', (_, order) => {
  let stack: Stack;
  let caller: PatientCaller;
  let load: SteadyLoad;
  let before: Map<string, Sandbox>;

  beforeAll(async () => {
    stack = await Stack.start(1, [], old);
    expect((await stack.tryKubectl(['apply', '-f', '-'], JSON.stringify(POOL))).code).toBe(0);
    await stack.kubectl('wait', '--for=condition=Ready', 'pod', '-l', 'app=sandbox-agent', '--timeout=60s');
    caller = new PatientCaller(stack.endpoints, stack.credentials);
    await caller.create('fast', { command: COUNTING });
    await caller.create('fast-ports', { command: COUNTING, exposedPorts: [8080] });
    await caller.create('strong', { command: COUNTING, consistencyMode: ConsistencyMode.STRONG });
    await caller.create('ended', { command: ENDED });
    expect((await stack.tryKubectl(['apply', '-f', '-'], JSON.stringify(DECLARED))).code).toBe(0);
    before = await eventually(async () => {
      const all = await sandboxes();
      for (const name of RUNNING) expect(all.get(name)?.status?.phase).toBe('Running');
      expect(all.get('ended')?.status?.exitCode).toBe(5);
      return all;
    }, READY_MS);
    load = new SteadyLoad(caller, { command: AT_SIGTERM });
    await caller.create('ending', { command: ENDING });
  }, 300_000);

  afterAll(async () => {
    caller.close();
    await stack.end();
  }, 120_000);

  const sandboxes = async (): Promise<Map<string, Sandbox>> => {
    const { items } = JSON.parse(await stack.kubectl('get', 'sandboxes', '-o', 'json')) as { items: Sandbox[] };
    return new Map(items.map((sandbox) => [sandbox.metadata.name ?? '', sandbox]));
  };

  const pidsOf = async (service: string): Promise<number[]> => {
    const rows = await stack.status();
    const isMeant = (name: string): boolean => (service === 'agents' ? name.startsWith('agent/') : name === service);
    return rows.filter(({ name, state }) => isMeant(name) && state === 'running').map(({ pid }) => pid);
  };

  it('supervisor: is replaced, and the new one adopts the running processes', async () => {
    process.kill(await stack.pid('supervisor'), 'SIGKILL');
    stack.use(ROOT);
    await stack.up();
    await load.goesOn(READY_MS);
  }, 180_000);

  it.each(order)(
    '%s: is replaced',
    async (service) => {
      const pids = await pidsOf(service);
      expect(pids.length).toBeGreaterThan(0);
      for (const pid of pids) {
        process.kill(pid, 'SIGTERM');
        await eventually(async () => expect(await pidsOf(service)).not.toContain(pid), READY_MS, 200);
        await eventually(() => stack.expectHealthy(), READY_MS, 200);
      }
      expect(await pidsOf(service)).toHaveLength(pids.length);
      await load.goesOn(READY_MS);
    },
    180_000,
  );

  it('load: lost no call', async () => {
    await load.end();
    expect(load.takeFailures()).toEqual([]);
  }, 60_000);

  it('sandboxes: keep id, phase and endpoints, and write on without a gap', async () => {
    const all = await sandboxes();
    for (const name of RUNNING) {
      const { sandboxID, phase, endpoints } = all.get(name)?.status ?? {};
      expect({ name, sandboxID, phase, endpoints }).toEqual({
        name,
        phase: 'Running',
        sandboxID: before.get(name)?.status?.sandboxID,
        endpoints: before.get(name)?.status?.endpoints,
      });
      const counted = (await stack.fsbCtl('logs', name)).trimEnd().split('\n');
      expect(counted).toEqual(counted.map((_line, n) => String(n)));
      const later = async (): Promise<number> => (await stack.fsbCtl('logs', name)).trimEnd().split('\n').length;
      await eventually(async () => expect(await later()).toBeGreaterThan(counted.length + 2), READY_MS, 200);
    }
  }, 120_000);

  it('exits before and during the upgrade: are reported, with their logs', async () => {
    const all = await eventually(async () => {
      const now = await sandboxes();
      expect(now.get('ending')?.status?.exitCode).toBe(9);
      return now;
    }, READY_MS);
    expect(all.get('ended')?.status?.exitCode).toBe(5);
    expect(await stack.fsbCtl('logs', 'ended')).toBe('over\n');
    expect(await stack.fsbCtl('logs', 'ending')).toBe('ends\nended\n');
  }, 120_000);

  it('deletes: leave nothing behind', async () => {
    for (const name of [...RUNNING, 'ended', 'ending']) await caller.delete(name);
    await eventually(async () => expect(await stack.containers()).toEqual([]), READY_MS, 300);
    expect([...(await sandboxes()).keys()]).toEqual([]);
  }, 120_000);
});
