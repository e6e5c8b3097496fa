import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type AgentStatus, type CreateSandboxResponse } from '@fsb/agent-api/agent-api';
import { ContainerdProcess, removeCgroups } from '../../../test/support/containerd-process';
import { eventually } from '../../../test/support/eventually';
import { freePort } from '../../../test/support/free-port';

const ROOT = resolve(__dirname, '../../..');
const NETNS = `fsb-agent-${process.pid}`;

describe('node-agent, as a process on a real containerd', () => {
  let containerd: ContainerdProcess;
  let agent: ChildProcess;
  let port: number;

  beforeAll(async () => {
    execFileSync('npx', ['nest', 'build', 'node-agent'], { cwd: ROOT });
    execFileSync('ip', ['netns', 'add', NETNS]);
    containerd = await ContainerdProcess.start();
    await containerd.importBusybox();
    writeFileSync(join(containerd.folder, 'token'), 'secret\n');
    port = await freePort();
    agent = await start();
  }, 120_000);

  afterAll(async () => {
    await stop('SIGTERM');
    await containerd.stop();
    removeCgroups(`fsb-agent-${process.pid}`);
    execFileSync('ip', ['netns', 'delete', NETNS]);
  }, 60_000);

  async function start(): Promise<ChildProcess> {
    const { folder, socket } = containerd;
    const flags = {
      ...{ 'pod-name': 'agent-1', 'pod-uid': 'uid-1', 'node-name': 'node', installation: 'test' },
      ...{ 'http-port': String(port), 'agent-capacity': '3', 'containerd-socket': socket, pull: 'false' },
      ...{ 'agent-token-file': join(folder, 'token'), 'log-dir': join(folder, 'logs'), 'run-dir': join(folder, 'run') },
      ...{ 'network-namespace': `/run/netns/${NETNS}`, 'cgroup-parent': `/fsb-agent-${process.pid}` },
      'metrics-bind-address': '127.0.0.1:0',
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const child = spawn('node', [join(ROOT, 'dist/apps/node-agent/src/main.js'), ...args], { stdio: 'ignore' });
    await eventually(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok, 20_000);
    return child;
  }

  async function stop(signal: NodeJS.Signals): Promise<number | null> {
    const exited = once(agent, 'exit');
    agent.kill(signal);
    return ((await exited) as [number | null])[0];
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller says what it asked for
  async function call<T>(path: string, body?: unknown, token = 'secret'): Promise<{ status: number; body: T }> {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/agent/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as T };
  }

  const create = (sandboxId: string, more: object = {}) =>
    call<CreateSandboxResponse>('create', {
      sandbox: {
        sandboxId,
        claimUid: '',
        claimName: sandboxId,
        image: 'busybox',
        command: ['/bin/sleep', '100'],
        ...more,
      },
    });
  const sandboxes = async () => (await call<AgentStatus>('status')).body.sandboxStatuses;
  const of = async (id: string) => (await sandboxes()).find(({ sandboxId }) => sandboxId === id);

  it.each([
    ['a bad id', { sandboxId: 'A_b' }, 400, 'invalid_argument', /sandboxId/],
    ['a port out of range', { ports: [70_000] }, 400, 'invalid_argument', /ports/],
    ['a port twice', { ports: [80, 80] }, 400, 'invalid_argument', /ports/],
    [
      'the agent port',
      {
        get ports() {
          return [port];
        },
      },
      409,
      'port_taken',
      /port/,
    ],
    ['a malformed image', { image: 'UPPER/Case' }, 400, 'invalid_argument', /image/],
    ['an unknown image', { image: 'nobody/nothing' }, 404, 'image_not_found', /image/],
    ['an unknown command', { command: ['no-such'] }, 404, 'command_not_found', /no-such/],
    ['a bad quantity', { resources: { memory: 'lots' } }, 400, 'invalid_argument', /resources.memory/],
    ['a relative folder', { workingDir: 'tmp' }, 400, 'invalid_argument', /workingDir/],
    ['a bad variable', { env: { 'A=B': 'c' } }, 400, 'invalid_argument', /variable/],
    ['a command that is a string', { command: 'sleep 1' }, 400, 'invalid_argument', /command/],
  ])('refuses %s and leaves nothing', async (_what, more, status, code, message) => {
    const answer = await create('bad', more);
    expect(answer).toMatchObject({ status, body: { success: false, code } });
    expect(answer.body.message).toMatch(message);
    expect(await sandboxes()).toEqual([]);
    expect(existsSync(join(containerd.folder, 'run/sandboxes/bad'))).toBe(false);
  });

  it('lets nobody in without the token', async () => {
    expect((await call('status', undefined, 'guess')).status).toBe(401);
  });

  it('runs, fills up, refuses with what is left, and deletes whole', async () => {
    expect(await create('one', { ports: [8080] })).toMatchObject({ status: 200, body: { success: true } });
    expect(await create('one', { ports: [8080] })).toMatchObject({ status: 200 });
    expect(await create('two', { ports: [8080] })).toMatchObject({ status: 409, body: { code: 'port_taken' } });
    await Promise.all([create('two'), create('three')]);
    const full = await create('four');
    expect(full).toMatchObject({ status: 409, body: { code: 'slots_full', free: { slots: 0 } } });
    for (const sandboxId of ['one', 'two', 'three', 'unknown']) {
      expect((await call('delete', { sandboxId })).body).toMatchObject({ success: true });
    }
    await eventually(async () => (await sandboxes()).length === 0, 20_000);
    expect(existsSync(join(containerd.folder, 'logs/one.log'))).toBe(false);
  }, 40_000);

  it('reports an exit at once, frees the slot and keeps the log', async () => {
    await create('short', { command: ['/bin/sh', '-c', 'echo "$WHO"; exit 3'], env: { WHO: 'me' } });
    const ended = await eventually(async () => ((await of('short'))?.exitCode === undefined ? false : of('short')));
    expect(ended).toMatchObject({ phase: 'failed', exitCode: 3, reason: 'Error' });
    expect(readFileSync(join(containerd.folder, 'logs/short.log'), 'utf8')).toBe('me\n');
    expect((await call<AgentStatus>('status')).body.allocated).toBe(0);
  });

  it('knows everything after it was killed', async () => {
    await create('kept', { ports: [9000], object: { spec: { image: 'busybox' } } });
    await stop('SIGKILL');
    agent = await start();
    expect(await of('kept')).toMatchObject({ phase: 'running', ports: [9000], object: { spec: { image: 'busybox' } } });
    expect(await of('short')).toMatchObject({ phase: 'failed', exitCode: 3 });
    await call('bind', { sandboxId: 'kept', claimUid: 'u' });
    const bound = await of('kept');
    expect(bound?.claimUid).toBe('u');
    expect(bound?.object).toBeUndefined();
  }, 30_000);

  it('streams a snapshot, then changes', async () => {
    const leave = new AbortController();
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/agent/status?watch=true`, {
      headers: { authorization: 'Bearer secret' },
      signal: leave.signal,
    });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toMatch(/^{"type":"snapshot"/);
    await call('drain', { draining: true });
    expect((await reader.read()).value).toBe('{"type":"draining","draining":true}\n');
    expect(await create('late')).toMatchObject({ status: 409, body: { code: 'draining' } });
    leave.abort();
  });
});
