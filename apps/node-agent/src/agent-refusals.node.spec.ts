import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { type CreateSandboxResponse } from '@fsb/agent-api/agent-api';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { eventually } from '../../../test/support/eventually';
import { freePort } from '../../../test/support/free-port';
import { AgentProcess } from '../../../test/support/agent-process';

/** Nested lists. A recursive walk has stack enough for these 1,000 levels, and not for 20,000. */
const DEEP: unknown = JSON.parse('['.repeat(1_000) + ']'.repeat(1_000));

it('node-agent: refuses an unknown runtime type in one line', () => {
  const main = resolve(__dirname, '../../../dist/apps/node-agent/src/main.js');
  const needed = ['--pod-name=a', '--pod-uid=u', '--node-name=n', '--installation=i', '--tls-dir=/dev/null'];
  const env = { ...process.env, RUNTIME_TYPE: 'gvisor' };
  const { status, stderr } = spawnSync('node', [main, ...needed], { env, encoding: 'utf8', timeout: 20_000 });
  expect(status).toBe(78);
  expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(/RUNTIME_TYPE.*"gvisor".*must be "container"/)]);
}, 30_000);

describe('node-agent: refuses', () => {
  let agent: AgentProcess;
  let client: ContainerdClient;
  let metricsPort: number;

  beforeAll(async () => {
    metricsPort = await freePort();
    agent = await AgentProcess.start('refuse', {
      ...{ 'memory-limit': '512Mi', 'ephemeral-storage-limit': '3Gi' },
      'metrics-bind-address': `127.0.0.1:${metricsPort}`,
    });
    client = new ContainerdClient(agent.containerd.socket);
  }, 120_000);

  afterAll(async () => {
    client.close();
    await agent.stop();
  }, 60_000);

  async function expectNothingLeft(): Promise<void> {
    const { allocated, sandboxStatuses } = await agent.status();
    expect({ allocated, sandboxStatuses }).toEqual({ allocated: 0, sandboxStatuses: [] });
    for (const folder of ['run/sandboxes', 'logs']) {
      expect(existsSync(agent.path(folder)) ? readdirSync(agent.path(folder)) : []).toEqual([]);
    }
    expect(await new SandboxRuntime(client).list('')).toEqual([]);
  }

  const many = (count: number) => Array.from({ length: count }, (_, i) => i + 1000);

  it.each([
    ['no id', { sandboxId: undefined }, 400, 'invalid_argument', /sandboxId/],
    ['an id in capitals', { sandboxId: 'A_b' }, 400, 'invalid_argument', /sandboxId/],
    ['an id that is a path', { sandboxId: '../bad' }, 400, 'invalid_argument', /sandboxId/],
    ['an id that is too long', { sandboxId: 'a'.repeat(64) }, 400, 'invalid_argument', /sandboxId/],
    ['an id that is a number', { sandboxId: 7 }, 400, 'invalid_argument', /sandboxId/],
    ['a name with a slash', { claimName: 'a/b' }, 400, 'invalid_argument', /claimName/],
    ['an empty name', { claimName: '' }, 400, 'invalid_argument', /claimName/],
    ['a namespace with a dot-dot', { namespace: '../kube-system' }, 400, 'invalid_argument', /namespace/],
    ['port 0', { ports: [0] }, 400, 'invalid_argument', /ports/],
    ['a port out of range', { ports: [70_000] }, 400, 'invalid_argument', /ports/],
    ['a port that is a fraction', { ports: [80.5] }, 400, 'invalid_argument', /ports/],
    ['a port that is text', { ports: ['80'] }, 400, 'invalid_argument', /ports/],
    ['a port twice', { ports: [80, 80] }, 400, 'invalid_argument', /ports/],
    ['too many ports', { ports: many(101) }, 400, 'invalid_argument', /ports/],
    ['no image', { image: undefined }, 400, 'invalid_argument', /image/],
    ['an empty image', { image: '' }, 400, 'invalid_argument', /image/],
    ['a malformed image', { image: 'UPPER/Case' }, 400, 'invalid_argument', /image/],
    ['an object nested too deep', { object: { spec: DEEP } }, 400, 'invalid_argument', /nested deeper than 64 levels/],
    ['an unknown image', { image: 'nobody/nothing' }, 404, 'image_not_found', /image/],
    ['an unknown command', { command: ['no-such'] }, 404, 'command_not_found', /no-such/],
    ['a folder as command', { command: ['/tmp'] }, 404, 'command_not_found', /tmp/],
    ['a command that is a string', { command: 'sleep 1' }, 400, 'invalid_argument', /command/],
    ['a command with NUL', { command: ['/bin/echo', 'a\0b'] }, 400, 'invalid_argument', /command/],
    ['arguments that are numbers', { args: [1] }, 400, 'invalid_argument', /args/],
    ['a bad variable', { env: { 'A=B': 'c' } }, 400, 'invalid_argument', /variable/],
    ['a variable with NUL', { env: { A: 'b\0c' } }, 400, 'invalid_argument', /env.A/],
    ['a variable that is a number', { env: { A: 1 } }, 400, 'invalid_argument', /env.A/],
    ['variables as a list', { env: ['A=1'] }, 400, 'invalid_argument', /env/],
    ['a relative folder', { workingDir: 'tmp' }, 400, 'invalid_argument', /workingDir/],
    ['a bad quantity', { resources: { memory: 'lots' } }, 400, 'invalid_argument', /resources.memory/],
    ['negative memory', { resources: { memory: '-1Gi' } }, 400, 'invalid_argument', /resources.memory/],
    ['memory too small to start in', { resources: { memory: '1Mi' } }, 400, 'invalid_argument', /resources.memory/],
    ['memory that no machine has', { resources: { memory: '9E' } }, 400, 'invalid_argument', /resources.memory/],
    ['more memory than the agent has', { resources: { memory: '1Gi' } }, 409, 'memory_full', /left on the agent/],
    ['more storage than the agent has', { resources: { 'ephemeral-storage': '4Gi' } }, 409, 'storage_full', /left on/],
    ['no storage', { resources: { 'ephemeral-storage': '0' } }, 400, 'invalid_argument', /ephemeral-storage/],
    ['negative cpu', { cpu: '-1' }, 400, 'invalid_argument', /cpu/],
    ['no cpu at all', { resources: { cpu: '0' } }, 400, 'invalid_argument', /resources.cpu/],
    ['half a process', { resources: { pids: '0.5' } }, 400, 'invalid_argument', /resources.pids/],
    ['one and a half processes', { resources: { pids: '1.5' } }, 400, 'invalid_argument', /resources.pids/],
    ['too many processes', { resources: { pids: '1G' } }, 400, 'invalid_argument', /resources.pids/],
    [
      'more processes than the node can share',
      { resources: { pids: '4097' } },
      400,
      'invalid_argument',
      /pids: .* must be from 1 to /,
    ],
    ['more memory than the node has', { resources: { memory: '900Ti' } }, 400, 'invalid_argument', /resources.memory/],
    ['a huge storage', { resources: { 'ephemeral-storage': '1Ei' } }, 400, 'invalid_argument', /storage.* to 1Ti/],
    ['resources that are text', { resources: 'all' }, 400, 'invalid_argument', /resources/],
    ['a negative generation', { generation: -1 }, 400, 'invalid_argument', /generation/],
    ['an object that is a list', { object: [] }, 400, 'invalid_argument', /object/],
    ['secrets without a host', { pullSecrets: [{ username: 'a' }] }, 400, 'invalid_argument', /pullSecrets/],
  ])('a create with %s', async (_what, more, status, code, message) => {
    const answer = await agent.create('bad', more);
    expect(answer).toMatchObject({ status, body: { success: false, code, createdAt: 0 } });
    expect(answer.body.message).toMatch(message);
    await expectNothingLeft();
  });

  it('no create where another containerd of the machine has a container of the same id', async () => {
    const other = await AgentProcess.start('refuse-2');
    try {
      expect(await other.create('same')).toMatchObject({ status: 200 });
      expect(await agent.create('same')).toMatchObject({ status: 200 });
      await new SandboxRuntime(client).kill('same', 'SIGKILL');
      await agent.post('delete', { sandboxId: 'same' });
      await eventually(async () => (await agent.of('same')) === undefined, 20_000);
      expect((await other.of('same'))?.phase).toBe('running');
    } finally {
      await other.stop();
    }
    await expectNothingLeft();
  }, 90_000);

  it.each([0, 1])("a create with the agent's own port (%i)", async (which) => {
    const port = [agent.port, metricsPort][which]!;
    const answer = await agent.create('bad', { ports: [80, port] });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    expect(answer.body.message).toContain(`${port} is the agent's own`);
    await expectNothingLeft();
  });

  it.each([
    ['create', '{"sandbox":', 400, /JSON/],
    ['create', '[]', 400, /object/],
    ['create', 'null', 400, /body/],
    ['create', '{}', 400, /sandbox/],
    ['create', `{"sandbox":{"env":{"A":"${'x'.repeat(1_100_000)}"}}}`, 413, /large/],
    ['delete', '{}', 400, /sandboxId/],
    ['delete', '{"sandboxId":"../../etc"}', 400, /sandboxId/],
    ['delete', '{"sandboxId":"a,id!=b"}', 400, /sandboxId/],
    ['bind', '{"sandboxId":"a"}', 400, /claimUid/],
    ['drain', '{"draining":"yes"}', 400, /draining/],
    ['status', '{}', 404, /POST/],
    ['nothing', '{}', 404, /POST/],
  ])('a POST to %s with body %.30s', async (path, body, status, message) => {
    const answer = await agent.send<CreateSandboxResponse>(path, body);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ success: false });
    expect(answer.body.message).toMatch(message);
    await expectNothingLeft();
  });

  it.each([
    ['GET', 'create', 404],
    ['DELETE', 'create', 404],
    ['PUT', 'status', 404],
    ['GET', '../../../etc/passwd', 404],
  ])('%s of %s', async (method, path, status) => {
    const response = await agent.fetch(path, { method });
    expect(response.status).toBe(status);
  });

  it('a body of plain text', async () => {
    const response = await agent.fetch('create', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'x',
    });
    expect([400, 415]).toContain(response.status);
    await expectNothingLeft();
  });
});
