import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { bridgeName } from '@fsb/node/machine-names';
import { type Sandbox } from '@fsb/api/sandbox';
import { files, layoutOf } from '../../apps/standalone/src/layout';
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

  it('janitor: removes an orphan of its own installation, reports it in an Event, touches nothing else', async () => {
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
    // the running janitor sweeps every two minutes; a new one sweeps at its start
    process.kill(await stack.pid('janitor'), 'SIGKILL');
    await eventually(async () => expect(await stack.containers()).not.toContain('orphan'), 30_000, 300);
    expect(await stack.containers()).toEqual(expect.arrayContaining(['stranger', sandboxId]));
    await eventually(async () => expect(await stack.kubectl('get', 'events')).toMatch(/OrphanRemoved.*orphan/), 10_000);
    await stack.ctr('containers', 'rm', 'stranger');
  }, 60_000);

  it('supervisor: its processes survive its SIGKILL, and the next supervisor adopts them', async () => {
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

  it('up with other settings: restarts only the affected processes; sandboxes keep running', async () => {
    const before = await stack.status();
    expect(await stack.up('--replicas', '2')).toContain('changes --replicas 1 to 2; sandboxes run on');
    const after = await stack.status();
    expect(after.filter(({ name }) => name === 'fastpath-gateway-2')).toMatchObject([{ health: 'ok' }]);
    for (const name of SERVICES) {
      expect(after.find((now) => now.name === name)?.pid).toBe(before.find((old) => old.name === name)?.pid);
    }
    await stack.up('--warm-containers', '3', '--replicas', '1');
    const last = await stack.status();
    expect(last.map(({ name }) => name)).not.toContain('fastpath-gateway-2');
    expect(last.find(({ name }) => name === 'pool-controller')?.pid).not.toBe(
      after.find(({ name }) => name === 'pool-controller')?.pid,
    );
    expect(await phase()).toBe(`${sandboxId} Running`);
    // agents are replaced afterwards: the new one is ready before the old one drains
    await eventually(async () => {
      const pods = await stack.kubectl('get', 'pods', '-l', 'app=sandbox-agent', '-o', 'yaml');
      expect(pods).toMatch(/name: WARM_CONTAINERS\n\s+value: "3"/);
    }, 60_000);
    await expect(stack.up('--containerd', 'auto')).rejects.toThrow(
      '--containerd: cannot change while the stack runs; run down first',
    );
    await stack.up();
  }, 200_000);

  it('up with another build: restarts our services; containerd and sandboxes keep running', async () => {
    const before = [await stack.pid('containerd'), await stack.pid('fastpath-gateway')];
    const layout = layoutOf(stack.root);
    const record = files.process(layout, 'fastpath-gateway');
    // the record that an earlier build would have left
    writeFileSync(record, readFileSync(record, 'utf8').replace(/"build":\s*"\w+"/, '"build": "earlier"'));
    writeFileSync(files.build(layout), 'earlier');
    expect(await stack.up()).toContain('changes the build; sandboxes run on');
    expect(await stack.pid('containerd')).toBe(before[0]);
    expect(await stack.pid('fastpath-gateway')).not.toBe(before[1]);
    expect(await stack.up()).toContain('supervisor runs already');
    expect(await phase()).toBe(`${sandboxId} Running`);
  }, 120_000);

  it('down and up: leaves no process or mount, and keeps every object', async () => {
    const socket = stack.containerdSocket;
    expect(await stack.down()).toMatch(/sandboxes: ended 1 for good/);
    const mine = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(stack.root));
    expect(mine).toEqual([]);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(stack.root);
    expect(existsSync(socket)).toBe(false);
    const { code, stdout } = await stack.attempt('status');
    expect([code, stdout]).toEqual([3, expect.stringMatching(/^the stack is stopped; up starts it again/)]);
    await stack.up();
    expect(await stack.kubectl('get', 'sandboxes', '-o', 'name')).toContain('kept');
    await stack.kubectl('wait', '--for=condition=Ready', 'pod', '-l', 'app=sandbox-agent', '--timeout=60s');
  }, 200_000);

  it('purge: leaves nothing at all, and needs --yes while sandboxes run', async () => {
    await eventually(() => stack.fsbCtl('run', 'last', '--image', 'busybox', '--', '/bin/sleep', '1000'), 30_000, 500);
    const installation = await stack.kubectl('get', 'namespace', 'kube-system', '-o', 'jsonpath={.metadata.uid}');
    const refused = await stack.attempt('purge');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^error: 1 sandbox runs: purge ends them/);
    await stack.expectHealthy();
    expect((await stack.attempt('purge', '--yes')).code).toBe(0);
    expect(existsSync(stack.root)).toBe(false);
    const left = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
    expect(left.filter((line) => line.includes(stack.root))).toEqual([]);
    const links = execFileSync('ip', ['-o', 'link'], { encoding: 'utf8' });
    expect(links).not.toContain(bridgeName(installation));
    expect((await stack.attempt('status')).stdout).toMatch(/^there is no stack in /);
  }, 120_000);
});
