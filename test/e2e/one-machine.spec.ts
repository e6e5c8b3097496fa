import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { type Sandbox } from '@fsb/api/sandbox';
import { eventually } from '../support/eventually';
import { Stack } from '../support/stack';

const SERVICES = ['apiserver', 'node', 'fastpath-gateway', 'sandbox-controller', 'pool-controller', 'janitor'];

describe('The one-machine stack', () => {
  let stack: Stack;
  let sandboxId: string;

  beforeAll(async () => {
    stack = await Stack.start();
    await stack.kubectl('apply', '-f', 'k8s/samples/pool.yaml');
    await stack.kubectl('wait', '--for=condition=Ready', 'pod', '-l', 'app=sandbox-agent', '--timeout=60s');
    const answer = await eventually(
      () => stack.fsbCtl('run', 'kept', '--image', 'busybox', '--', '/bin/sleep', '1000'),
      20_000,
      500,
    );
    sandboxId = /ID:\s+(\S+)/.exec(answer)?.[1] ?? '';
  }, 200_000);

  afterAll(() => stack.end(), 120_000);

  const phase = async (): Promise<string> => {
    const { status } = JSON.parse(await stack.fsbCtl('get', 'kept', '-o', 'json')) as Sandbox;
    return `${status?.sandboxID ?? ''} ${status?.phase ?? ''}`;
  };

  it('has a janitor that removes an orphan of its own installation, says so in an Event, and touches nothing else', async () => {
    const installation = await stack.kubectl('get', 'namespace', 'kube-system', '-o', 'jsonpath={.metadata.uid}');
    const orphan = (id: string, owner: string): Promise<string> => {
      const labels = { managed: 'true', installation: owner, 'agent-uid': 'gone', 'agent-name': 'gone' };
      const claim = { namespace: 'default', 'sandbox-name': id, id, 'claim-time': '1' };
      const flags = Object.entries({ ...labels, ...claim }).flatMap(([key, value]) => [
        '--label',
        `fast-sandbox.io/${key}=${value}`,
      ]);
      return stack.ctr('containers', 'create', ...flags, 'docker.io/library/busybox:latest', id);
    };
    await orphan('orphan', installation);
    await orphan('stranger', 'another-installation');
    // the stack's own sweeps every two minutes: one that starts now sweeps now
    process.kill(await stack.pid('janitor'), 'SIGKILL');
    await eventually(async () => expect(await stack.containers()).not.toContain('orphan'), 30_000, 300);
    expect(await stack.containers()).toEqual(expect.arrayContaining(['stranger', sandboxId]));
    await eventually(async () => expect(await stack.kubectl('get', 'events')).toMatch(/OrphanRemoved.*orphan/), 10_000);
    await stack.ctr('containers', 'rm', 'stranger');
  }, 60_000);

  it('keeps its processes when the supervisor is killed, and the next one adopts them', async () => {
    const before = await stack.status();
    process.kill(await stack.pid('supervisor'), 'SIGKILL');
    expect(await phase()).toBe(`${sandboxId} Running`);
    await stack.up();
    const after = await stack.status();
    for (const name of SERVICES) {
      expect(after.find((now) => now.name === name)?.pid).toBe(before.find((old) => old.name === name)?.pid);
    }
    expect(await phase()).toBe(`${sandboxId} Running`);
  }, 120_000);

  it('leaves nothing after down, and knows every object after up', async () => {
    const socket = stack.containerdSocket;
    await stack.down();
    const mine = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(stack.root));
    expect(mine).toEqual([]);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(stack.root);
    expect(existsSync(socket)).toBe(false);
    await stack.up();
    expect(await stack.kubectl('get', 'sandboxes', '-o', 'name')).toContain('kept');
    await stack.kubectl('wait', '--for=condition=Ready', 'pod', '-l', 'app=sandbox-agent', '--timeout=60s');
  }, 200_000);
});
