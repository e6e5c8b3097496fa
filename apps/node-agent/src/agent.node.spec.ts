import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type AgentStatus } from '@fsb/agent-api/agent-api';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { eventually } from '../../../test/support/eventually';
import { AgentProcess } from '../../../test/support/agent-process';

describe('node-agent, as a process on a real containerd', () => {
  let agent: AgentProcess;
  let client: ContainerdClient;
  let runtime: SandboxRuntime;

  beforeAll(async () => {
    agent = await AgentProcess.start('agent');
    client = new ContainerdClient(agent.containerd.socket);
    runtime = new SandboxRuntime(client);
  }, 120_000);

  afterAll(async () => {
    client.close();
    await agent.stop();
  }, 60_000);

  const sandboxes = async () => (await agent.status()).sandboxStatuses;
  const remove = (sandboxId: string) => agent.post<{ success: boolean }>('delete', { sandboxId });

  /** Kills sandboxes, then deletes them: `sleep` as PID 1 ignores SIGTERM and would use its whole grace period. */
  async function removeNow(...ids: string[]): Promise<void> {
    await Promise.all(ids.map((id) => runtime.kill(id, 'SIGKILL')));
    await Promise.all(ids.map(remove));
    await eventually(async () => (await sandboxes()).every(({ sandboxId }) => !ids.includes(sandboxId)), 20_000);
  }

  it('runs sandboxes up to its slots, and refuses more with what is free', async () => {
    expect(await agent.create('one', { ports: [8080] })).toMatchObject({ status: 200, body: { success: true } });
    expect(await agent.create('one', { ports: [8080] })).toMatchObject({ status: 200 });
    expect(await agent.create('two', { ports: [8080] })).toMatchObject({ status: 409, body: { code: 'port_taken' } });
    await Promise.all([agent.create('two'), agent.create('three')]);
    const full = await agent.create('four');
    expect(full).toMatchObject({ status: 409, body: { code: 'slots_full', free: { slots: 0 } } });
    expect((await remove('unknown')).body).toEqual({ success: true });
    await removeNow('two', 'three');
  }, 30_000);

  it('deletes by SIGTERM, SIGKILL ten seconds later, and leaves nothing', async () => {
    const began = performance.now();
    expect((await remove('one')).body).toEqual({ success: true });
    expect(performance.now() - began).toBeLessThan(2000);
    expect((await agent.of('one'))?.phase).toBe('terminating');
    await eventually(async () => (await agent.of('one')) === undefined, 20_000);
    expect(performance.now() - began).toBeGreaterThan(9000);
    expect(await runtime.list('id==one')).toEqual([]);
    const stat = client.snapshots.stat({ snapshotter: 'overlayfs', key: 'one-snapshot' });
    await expect(stat).rejects.toMatchObject({ code: 'not_found' });
    for (const folder of ['logs', 'run/sandboxes']) {
      expect(readdirSync(agent.path(folder)).filter((name) => name.startsWith('one'))).toEqual([]);
    }
    const cgroups = execFileSync('find', ['/sys/fs/cgroup', '-type', 'd', '-name', 'one'], { encoding: 'utf8' });
    expect(cgroups).toBe('');
    // the shim's folder, with the FIFO of its own log
    expect(existsSync(agent.path('state/io.containerd.runtime.v2.task/k8s.io/one'))).toBe(false);
  }, 30_000);

  it('removes a sandbox at once whose process ends at SIGTERM', async () => {
    await agent.create('polite', { command: ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done'] });
    const began = performance.now();
    await remove('polite');
    await eventually(async () => (await agent.of('polite')) === undefined);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it('reports an exit at once, frees the slot and keeps the log', async () => {
    await agent.create('short', { command: ['/bin/sh', '-c', 'echo "$WHO"; exit 3'], env: { WHO: 'me' } });
    expect(await agent.ended('short')).toMatchObject({ phase: 'failed', exitCode: 3, reason: 'Error' });
    expect(readFileSync(agent.path('logs/short.log'), 'utf8')).toBe('me\n');
    expect((await agent.status()).allocated).toBe(0);
  });

  it('records the whole claim in the extension, and no value of the environment in a label', async () => {
    const more = { env: { PASSWORD: 'hunter2' }, object: { spec: { image: 'busybox' } }, ports: [9000] };
    const kept = await agent.create('kept', more);
    expect(kept.body).toEqual(expect.objectContaining({ success: true, sandboxId: 'kept' }));
    const [record] = await runtime.list('id==kept');
    expect(record?.claim).toMatchObject({
      sandboxId: 'kept',
      spec: { command: ['/bin/sleep', '100'], env: { PASSWORD: 'hunter2' } },
      object: { spec: { image: 'busybox' } },
    });
    expect(JSON.stringify(record?.labels)).not.toMatch(/hunter2/);
  });

  it('knows all its sandboxes after it was killed', async () => {
    expect(await agent.create('ending')).toMatchObject({ status: 200 });
    await remove('ending');
    await eventually(async () => (await runtime.list('id==ending'))[0]?.labels['fast-sandbox.io/terminating']);
    await agent.end('SIGKILL');
    await agent.launch();
    const object = { spec: { image: 'busybox' } };
    expect(await agent.of('kept')).toMatchObject({ phase: 'running', ports: [9000], object });
    expect(await agent.of('short')).toMatchObject({ phase: 'failed', exitCode: 3 });
    expect((await agent.of('ending'))?.phase).toBe('terminating');
    await agent.post('bind', { sandboxId: 'kept', claimUid: 'u' });
    const bound = await agent.of('kept');
    expect(bound?.claimUid).toBe('u');
    expect(bound?.object).toBeUndefined();
    await eventually(async () => (await agent.of('ending')) === undefined, 20_000);
    expect(existsSync(agent.path('logs/ending.log'))).toBe(false);
  }, 40_000);

  it('removes a container of its own that its table does not have, and no other', async () => {
    const mine = { 'fast-sandbox.io/managed': 'true', 'fast-sandbox.io/installation': 'test' };
    const make = (id: string, uid: string) =>
      client.containers.create({
        container: {
          ...{ id, image: '', snapshotter: '', snapshotKey: '', runtime: { name: 'r', options: undefined } },
          ...{ spec: { typeUrl: 'x', value: Buffer.from('{}') }, createdAt: undefined, updatedAt: undefined },
          labels: { ...mine, 'fast-sandbox.io/agent-uid': uid },
          extensions: {
            'sandbox.fast.io/claim': {
              typeUrl: 'x',
              value: Buffer.from(
                JSON.stringify({
                  ...{ sandboxId: id, claimUid: '', claimName: id, namespace: 'default' },
                  ...{ image: 'i', ports: [], createdAt: 1 },
                }),
              ),
            },
          },
        },
      });
    await make('stray', 'uid-1');
    await make('foreign', 'uid-2');
    await Promise.all([remove('stray'), remove('foreign')]);
    await eventually(async () => (await runtime.list('id==stray')).length === 0);
    expect(await runtime.list('id==foreign')).toHaveLength(1);
    await client.containers.delete({ id: 'foreign' });
  });

  it('refuses a generation older than one it has had, also of an ended sandbox', async () => {
    const named = { claimName: 'gen', claimUid: 'object' };
    await agent.create('gen-2', { ...named, generation: 2, command: ['/bin/true'] });
    await agent.ended('gen-2');
    const stale = await agent.create('gen-1', { ...named, generation: 1 });
    expect(stale).toMatchObject({ status: 409, body: { success: false, code: 'stale_generation' } });
    expect((await agent.create('gen-3', { ...named, generation: 3, command: ['/bin/true'] })).status).toBe(200);
    const late = await agent.post('delete', { sandboxId: 'gen-3', generation: 2 });
    expect(late).toMatchObject({ status: 409, body: { code: 'stale_generation' } });
    await agent.end('SIGKILL');
    await agent.launch();
    expect((await agent.create('gen-1', { ...named, generation: 1 })).body.code).toBe('stale_generation');
    expect((await agent.post('delete', { sandboxId: 'gen-3', generation: 2 })).status).toBe(409);
    for (const id of ['gen-2', 'gen-3'])
      expect((await agent.post('delete', { sandboxId: id, generation: 3 })).status).toBe(200);
    await eventually(async () => (await agent.of('gen-3')) === undefined);
    expect((await agent.create('gen-1', { ...named, generation: 1 })).body.code).toBe('stale_generation');
    const next = { claimName: 'gen', claimUid: '', generation: 0, command: ['/bin/true'] };
    expect((await agent.create('gen-next', next)).status).toBe(200);
  }, 30_000);

  it('reports images that come and go, and serves metrics', async () => {
    const leave = new AbortController();
    const lines = await agent.events(leave.signal);
    const ctr = (...args: string[]) => execFileSync('ctr', ['-a', agent.containerd.socket, '-n', 'k8s.io', ...args]);
    ctr('images', 'tag', 'docker.io/library/busybox:latest', 'docker.io/library/other:1');
    await eventually(() => lines.some((line) => line.includes('"images"') && line.includes('library/other:1')));
    expect((await agent.status()).images).toContain('docker.io/library/other:1');
    ctr('images', 'remove', 'docker.io/library/other:1');
    await eventually(async () => !(await agent.status()).images?.includes('docker.io/library/other:1'));
    leave.abort();
    const metrics = await (await fetch(`http://127.0.0.1:${agent.probePort}/metrics`)).text();
    expect(metrics).toMatch(/agent_create_stage_seconds_count\{stage="task"\} [1-9]/);
    expect(metrics).toMatch(/agent_slots 3\n/);
    expect(metrics).toMatch(/agent_slots_allocated 1\n/);
  });

  it('is not ready while containerd is away, and catches up afterwards', async () => {
    await agent.create('missed', { command: ['/bin/sh', '-c', 'sleep 3; exit 4'] });
    await agent.containerd.kill();
    await eventually(async () => !(await agent.ready()));
    expect((await agent.of('kept'))?.phase).toBe('running');
    expect(await agent.create('refused')).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    await agent.containerd.restart();
    await eventually(() => agent.ready(), 20_000);
    expect(await agent.ended('missed')).toMatchObject({ phase: 'failed', exitCode: 4 });
    expect((await agent.of('kept'))?.phase).toBe('running');
    expect((await agent.create('after', { command: ['/bin/true'] })).status).toBe(200);
  }, 60_000);

  it('refuses creates while it drains, and reports it', async () => {
    const leave = new AbortController();
    const lines = await agent.events(leave.signal);
    await eventually(() => lines[0]?.startsWith('{"type":"snapshot"') === true);
    await agent.post('drain', { draining: true });
    await eventually(() => lines.includes('{"type":"draining","draining":true}'));
    expect(await agent.create('late')).toMatchObject({ status: 409, body: { code: 'draining' } });
    leave.abort();
    expect(((await (await agent.fetch('status')).json()) as AgentStatus).draining).toBe(true);
  });
});
