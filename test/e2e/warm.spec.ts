import { eventually } from '../support/eventually';
import { Stack } from '../support/stack';
import { NONE_WAIT } from '../support/waiting-containers';

const WAITING = 2;
const LONG_MS = 120_000;
const STAY = ['--', '/bin/sh', '-c', 'trap "exit 0" TERM; echo up; while :; do sleep 0.1; done'];
const pool = (containers: number): string =>
  JSON.stringify({
    apiVersion: 'sandbox.fast.io/v1alpha1',
    kind: 'SandboxPool',
    metadata: { name: 'warm', namespace: 'default' },
    spec: {
      capacity: { poolMin: 1, poolMax: 1 },
      warmImages: [{ image: 'busybox', containers }],
      agentTemplate: { spec: { containers: [{ name: 'agent', image: 'fast-sandbox/node-agent:latest' }] } },
    },
  });

// with FSB_TEST_WARM=0 the other suites prove that everything works the same without standby containers
const inThis = NONE_WAIT ? describe.skip : describe;
inThis(`A pool with standby containers${NONE_WAIT ? ' (skipped: FSB_TEST_WARM=0 allows none)' : ''}`, () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.start();
    expect((await stack.tryKubectl(['apply', '-f', '-'], pool(WAITING))).code).toBe(0);
    await eventually(async () => expect(await waiting()).toHaveLength(WAITING), LONG_MS, 300);
  }, 300_000);

  afterAll(() => stack.end(), 120_000);

  const waiting = (): Promise<string[]> => stack.waiting();
  const run = (name: string) => stack.tryFsbCtl('run', name, '--image', 'busybox', '--pool', 'warm', ...STAY);

  it('gives one to a sandbox, starts another, and leaves nothing of the sandbox', async () => {
    const before = await waiting();
    await eventually(async () => expect((await run('one')).code).toBe(0), LONG_MS, 300);
    const label = 'labels."fast-sandbox.io/sandbox-name"==one';
    // containerd learns of it after the answer
    const [container] = await eventually(async () => {
      const ids = (await stack.ctr('containers', 'ls', '-q', label)).split('\n').filter(Boolean);
      return ids.length > 0 && ids;
    });
    expect(before).toContain(container);
    await eventually(async () => expect(await stack.fsbCtl('logs', 'one')).toBe('up\n'), LONG_MS, 300);
    await eventually(
      async () =>
        expect(await stack.kubectl('get', 'sandbox', 'one', '-o', 'jsonpath={.status.phase}')).toBe('Running'),
      LONG_MS,
      300,
    );
    await eventually(async () => expect(await waiting()).toHaveLength(WAITING), LONG_MS, 300);
    await stack.fsbCtl('delete', 'one');
    await eventually(async () => expect(await stack.containers()).toEqual([]), LONG_MS, 300);
    expect(await waiting()).toHaveLength(WAITING);
  }, 300_000);

  it('keeps a sandbox while warmImages change: the old agent goes once it is idle', async () => {
    expect((await run('kept')).code).toBe(0);
    expect((await stack.tryKubectl(['apply', '-f', '-'], pool(1))).code).toBe(0);
    await eventually(
      async () => expect(await stack.kubectl('get', 'pods', '-o', 'name')).toMatch(/\n.*\n/),
      LONG_MS,
      300,
    );
    expect(await stack.kubectl('get', 'sandbox', 'kept', '-o', 'jsonpath={.status.phase}')).toBe('Running');
    await stack.fsbCtl('delete', 'kept');
    await eventually(async () => expect(await waiting()).toHaveLength(1), LONG_MS, 300);
  }, 300_000);
});
