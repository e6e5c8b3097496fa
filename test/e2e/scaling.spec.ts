import { eventually } from '../support/eventually';
import { Stack } from '../support/stack';

const SLOTS = 3;
const POOL = JSON.stringify({
  apiVersion: 'sandbox.fast.io/v1alpha1',
  kind: 'SandboxPool',
  metadata: { name: 'small', namespace: 'default' },
  spec: {
    capacity: { poolMin: 1, poolMax: 2 },
    maxSandboxesPerPod: SLOTS,
    agentTemplate: { spec: { containers: [{ name: 'agent', image: 'fast-sandbox/node-agent:latest' }] } },
  },
});
const LONG_MS = 120_000;
const COMMAND = ['--', '/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1 & wait; done'];

describe('A pool under a burst', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.start();
    expect((await stack.tryKubectl(['apply', '-f', '-'], POOL)).code).toBe(0);
    await eventually(async () => expect(await ready()).toBe('1'), LONG_MS, 300);
    // the gateway learns of an agent's slots shortly after its Pod is ready
    await eventually(async () => expect((await run('first')).code).toBe(0), LONG_MS, 300);
    await stack.fsbCtl('delete', 'first');
    await eventually(async () => expect(await stack.containers()).toEqual([]), LONG_MS, 300);
  }, 300_000);

  afterAll(() => stack.end(), 120_000);

  const ready = (): Promise<string> => status('readyPods');
  const status = (field: string): Promise<string> =>
    stack.kubectl('get', 'sandboxpool', 'small', '-o', `jsonpath={.status.${field}}`);
  const run = (name: string) =>
    stack.tryFsbCtl('run', name, '--image', 'busybox', '--pool', 'small', '--wait', '0', ...COMMAND);

  it('grows for refused FAST creates, admits them when repeated, and shrinks after their end', async () => {
    const names = Array.from({ length: 2 * SLOTS }, (_, n) => `burst-${n}`);
    const first = await Promise.all(names.map(run));
    const refused = first.filter(({ code }) => code !== 0);
    expect(refused).toHaveLength(SLOTS);
    for (const { stderr } of refused) expect(stderr).toMatch(/no room|no agent ready/);
    // only the refused creates themselves make the pool grow
    const again = names.filter((_, i) => first[i]?.code !== 0);
    await Promise.all(again.map((name) => eventually(async () => (await run(name)).code === 0, LONG_MS, 1_000)));
    await eventually(async () => expect(await ready()).toBe('2'), LONG_MS, 300);
    await eventually(async () => expect(await stack.containers()).toHaveLength(names.length));

    // poolMax is two agents
    const { code, stderr } = await run('one-too-many');
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/no room.*at most 2 agents/s);

    await Promise.all(names.map((name) => stack.fsbCtl('delete', name)));
    await eventually(async () => expect(await stack.containers()).toEqual([]), LONG_MS, 300);
    await eventually(async () => expect(await status('currentPods')).toBe('1'), LONG_MS, 500);
    expect(await stack.kubectl('get', 'configmaps', '-l', 'fast-sandbox.io/pool-demand=true', '-o', 'name')).toBe('');
    expect((await run('after')).code).toBe(0);
    await stack.fsbCtl('delete', 'after');
  }, 600_000);
});
