import { type Sandbox } from '@fsb/api/sandbox';
import { eventually } from '../support/eventually';
import { Stack } from '../support/stack';

const LOOP = 'i=0; while :; do echo "line $i"; i=$((i+1)); sleep 0.1; done';

describe('A sandbox made through the gateway', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.start();
    await stack.kubectl('apply', '-f', 'k8s/samples/pool.yaml');
    await stack.kubectl('wait', '--for=condition=Ready', 'pod', '-l', 'app=sandbox-agent', '--timeout=60s');
  }, 180_000);

  afterAll(() => stack.end(), 120_000);

  const run = (name: string, ...more: string[]) =>
    eventually(() => stack.fsbCtl('run', name, '--image', 'busybox', ...more), 20_000, 500);

  it('runs, is visible to every reader, and leaves nothing after delete', async () => {
    const answer = await run('first', '--ports', '8080', '--', '/bin/sh', '-c', LOOP);
    expect(answer).toMatch(/Sandbox created successfully/);
    const id = /ID:\s+(\S+)/.exec(answer)?.[1] ?? '';
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(answer).toMatch(/Endpoints:\s+\[[\d.]+:8080\]/);

    expect(await stack.fsbCtl('list')).toMatch(/first\s+[0-9a-f]+\s+Running/i);
    expect(JSON.parse(await stack.fsbCtl('get', 'first', '-o', 'json'))).toMatchObject({
      metadata: { name: 'first' },
      spec: { image: 'busybox', poolRef: 'default-pool', exposedPorts: [8080] },
      status: { sandboxID: id },
    });
    await eventually(async () => expect(await stack.containers()).toContain(id));
    await eventually(async () => /first\s+Running/.test(await stack.kubectl('get', 'sandboxes')));
    expect(await stack.fsbCtl('logs', 'first', '--tail', '2')).toMatch(/^line \d+\nline \d+\n$/);

    expect(await stack.fsbCtl('delete', 'first')).toMatch(/deletion triggered/);
    await eventually(async () => !(await stack.containers()).includes(id), 20_000, 200);
    await eventually(async () => !(await stack.kubectl('get', 'sandboxes')).includes('first'), 20_000, 200);
  }, 90_000);

  it('reports its exit with the exit code', async () => {
    await run('short', '--', '/bin/sh', '-c', 'echo bye; exit 7');
    await eventually(async () => /phase: Failed/i.test(await stack.fsbCtl('get', 'short')), 20_000, 200);
    expect(await stack.fsbCtl('logs', 'short', '-f')).toBe('bye\n');
    await eventually(async () => {
      const status = await stack.kubectl(
        'get',
        'sandbox',
        'short',
        '-o',
        'jsonpath={.status.exitCode} {.status.reason}',
      );
      expect(status).toBe('7 Error');
    });
    await stack.fsbCtl('delete', 'short');
  }, 60_000);

  it('run --follow: exits with the status of the process, and prints only its output on stdout', async () => {
    const follow = (name: string, script: string, ...flags: string[]) =>
      stack.tryFsbCtl('run', name, '--image', 'busybox', '--follow', ...flags, '--', '/bin/sh', '-c', script);
    expect(await follow('seven', 'echo out; exit 7', '--rm')).toEqual({ code: 7, stdout: 'out\n', stderr: '' });
    expect(await follow('fine', 'echo fine', '--rm')).toEqual({ code: 0, stdout: 'fine\n', stderr: '' });
    await eventually(async () => expect(await stack.containers()).toEqual([]), 20_000, 200);
  }, 60_000);

  it('refuses a name twice, an unknown pool, an unknown command and an absent image, and leaves nothing', async () => {
    // sandboxes of earlier tests are still ending
    await eventually(async () => expect(await stack.containers()).toEqual([]), 20_000, 200);
    await run('taken', '--', '/bin/sleep', '1000');
    const refused: [string[], RegExp][] = [
      [['run', 'taken', '--image', 'busybox', '--', '/bin/true'], /ALREADY_EXISTS|already exists/i],
      [['run', 'other', '--image', 'busybox', '--pool', 'nowhere', '--', '/bin/true'], /pool/],
      [['run', 'other', '--image', 'busybox', '--', '/bin/no-such-thing'], /no-such-thing/],
      [['run', 'other', '--image', 'nobody.invalid/nothing', '--', '/bin/true'], /nothing/],
    ];
    for (const [args, message] of refused) {
      const { code, stderr } = await stack.tryFsbCtl(...args);
      expect(code).toBe(1);
      expect(stderr).toMatch(message);
    }
    await stack.fsbCtl('delete', 'taken');
    await eventually(async () => expect(await stack.containers()).toEqual([]), 20_000, 200);
  }, 90_000);

  it('gets a new container by reset, labels and an expiry by update', async () => {
    const script = 'cat /proc/sys/kernel/random/uuid; trap "exit 0" TERM; sleep 1000 & wait';
    const id = /ID:\s+(\S+)/.exec(await run('again', '--', '/bin/sh', '-c', script))?.[1];
    const log = (...args: string[]): Promise<string> => stack.fsbCtl('logs', ...args, 'again');
    await eventually(async () => expect(await log()).toMatch(/^[0-9a-f-]{36}\n$/));
    const first = await log();
    expect((await stack.tryFsbCtl('logs', '--previous', 'again')).stderr).toMatch(/has had no other container/);
    expect(await stack.fsbCtl('reset', 'again')).toMatch(/reset triggered/);
    await eventually(
      async () => {
        const { status } = JSON.parse(await stack.fsbCtl('get', 'again', '-o', 'json')) as Sandbox;
        expect(status?.sandboxID).not.toBe(id);
        expect(status?.phase).toBe('Running');
      },
      30_000,
      200,
    );
    expect(await stack.fsbCtl('update', 'again', '--labels', 'team=blue')).toMatch(/updated successfully/);
    expect(await stack.kubectl('get', 'sandbox', 'again', '-o', 'jsonpath={.metadata.labels.team}')).toBe('blue');
    const soon = String(Math.floor(Date.now() / 1000) + 3);
    await stack.fsbCtl('update', 'again', '--expire-time', soon);
    expect(await log('--previous')).toBe(first);
    const second = await log('--follow'); // until it ends
    expect(second).toMatch(/^[0-9a-f-]{36}\n$/);
    expect(second).not.toBe(first);
    await eventually(async () => /phase: Expired/i.test(await stack.fsbCtl('get', 'again')), 20_000, 200);
    expect(await log()).toBe(second);
    expect(await log('--previous')).toBe(first);
    await stack.fsbCtl('delete', 'again');
  }, 90_000);
});
