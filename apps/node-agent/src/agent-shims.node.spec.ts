import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { type ContainerRecord, SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { shimSocket } from '@fsb/containerd/shim-socket';
import { eventually } from '../../../test/support/eventually';
import { AgentProcess } from '../../../test/support/agent-process';

const GROUP = 'fast-sandbox.io/shim-group';
const SLEEP = 60_000;

describe.each(['/usr/bin/crun', '/usr/sbin/runc'])('node-agent: shims that sandboxes share, with %s', (binary) => {
  let agent: AgentProcess;
  let client: ContainerdClient;
  let runtime: SandboxRuntime;

  beforeAll(async () => {
    const flags = { 'agent-capacity': '5', 'runtime-binary': binary, 'sandboxes-per-shim': '3' };
    agent = await AgentProcess.start(`shims-${binary.slice(-4)}`, flags);
    client = new ContainerdClient(agent.containerd.socket);
    runtime = new SandboxRuntime(client);
  }, 120_000);

  afterAll(async () => {
    client.close();
    await agent.stop();
  }, SLEEP);

  const record = async (id: string): Promise<ContainerRecord> => (await runtime.list(`id==${id}`))[0]!;
  const groupOf = async (id: string): Promise<string> => (await record(id)).labels[GROUP]!;
  /** A zombie counts as dead: the process that inherits a killed shim's children may never reap them. */
  const isAlive = (pid: number): boolean =>
    existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  const parentOf = (pid: number): number =>
    Number(/PPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  const cgroups = (id: string): string =>
    execFileSync('find', ['/sys/fs/cgroup', '-type', 'd', '-name', id], { encoding: 'utf8' });

  async function removed(...ids: string[]): Promise<void> {
    await Promise.all(ids.map((id) => runtime.kill(id, 'SIGKILL').catch(() => undefined)));
    for (const sandboxId of ids) await agent.post('delete', { sandboxId });
    await eventually(
      async () => (await agent.status()).sandboxStatuses.every((s) => !ids.includes(s.sandboxId)),
      30_000,
    );
  }

  it(
    'are filled one after the other, also after the agent was killed',
    async () => {
      for (const id of ['s1', 's2']) expect(await agent.create(id)).toMatchObject({ status: 200 });
      await agent.end('SIGKILL');
      await agent.launch();
      for (const id of ['s3', 's4'])
        expect(await agent.create(id, { ports: id === 's3' ? [7000] : [] })).toMatchObject({ status: 200 });
      const groups = await Promise.all(['s1', 's2', 's3', 's4'].map(groupOf));
      expect(new Set(groups.slice(0, 3)).size).toBe(1);
      expect(groups[3]).not.toBe(groups[0]);
      expect(groups[0]).toMatch(/^fsb\.test\.uid-1\./);
      const shims = await Promise.all(
        ['s1', 's2', 's3', 's4'].map(async (id) => parentOf((await record(id)).task!.pid)),
      );
      expect(new Set(shims.slice(0, 3)).size).toBe(1);
      expect(shims[3]).not.toBe(shims[0]);
    },
    SLEEP,
  );

  it(
    'fail exactly their own sandboxes when killed, with a reason and no exit code, and leave nothing',
    async () => {
      const group = await groupOf('s1');
      const dead = await Promise.all(['s1', 's2', 's3'].map(async (id) => (await record(id)).task!.pid));
      const other = (await record('s4')).task!.pid;
      expect(await agent.create('s5')).toMatchObject({ status: 200 });
      expect((await agent.create('full')).body.code).toBe('slots_full');
      process.kill(parentOf(dead[0]!), 'SIGKILL');
      for (const id of ['s1', 's2', 's3']) {
        const failed = await eventually(async () => {
          const now = await agent.of(id);
          return now?.phase === 'failed' ? now : false;
        }, 30_000);
        expect(failed).toMatchObject({ reason: 'ShimLost', message: expect.stringMatching(/shim/) as string });
        expect(failed.exitCode).toBeUndefined();
      }
      expect(dead.filter(isAlive)).toEqual([]);
      expect(await agent.status()).toMatchObject({ allocated: 2, free: { slots: 3, usedPorts: agent.ownPorts } });
      expect((await agent.of('s4'))?.phase).toBe('running');
      expect(isAlive(other)).toBe(true);
      await eventually(() => !existsSync(shimSocket(agent.containerd.socket, 'k8s.io', group)));
      await eventually(async () => {
        const stats = ['s1', 's2', 's3'].map((id) =>
          client.snapshots.stat({ snapshotter: 'overlayfs', key: `${id}-snapshot` }),
        );
        return (await Promise.allSettled(stats)).every(({ status }) => status === 'rejected');
      });
      expect(['s1', 's2', 's3'].map(cgroups).join('')).toBe('');
      expect(readFileSync('/proc/mounts', 'utf8')).not.toMatch(/k8s\.io\/s[123]\/rootfs/);
      expect(readdirSync(agent.path('state/io.containerd.runtime.v2.task/k8s.io')).sort()).toEqual(['s4', 's5']);
      expect(readdirSync(agent.path('run/runtime/k8s.io')).sort()).toEqual(['s4', 's5']);
      expect(existsSync(agent.path('logs/s1.log'))).toBe(true); // until it is deleted
    },
    SLEEP,
  );

  it(
    'leave failed sandboxes that survive a restart and can be deleted, and groups that are not used again',
    async () => {
      const group = await groupOf('s1');
      await agent.end('SIGKILL');
      await agent.launch();
      const failed = await agent.of('s2');
      expect(failed).toMatchObject({ phase: 'failed', reason: 'ShimLost' });
      expect(failed?.exitCode).toBeUndefined();
      expect(await agent.create('s6')).toMatchObject({ status: 200 });
      expect(await groupOf('s6')).not.toBe(group);
      await removed('s1', 's2', 's3', 's4', 's5', 's6');
      expect(await runtime.list('')).toEqual([]);
      expect(readdirSync(agent.path('logs'))).toEqual([]);
      expect(readdirSync(agent.path('run/sandboxes'))).toEqual([]);
    },
    SLEEP,
  );

  it(
    'are reported afterwards when killed while containerd is away',
    async () => {
      for (const id of ['w1', 'w2']) await agent.create(id);
      const { pid } = (await record('w1')).task!;
      const { pid: second } = (await record('w2')).task!;
      await agent.containerd.kill();
      process.kill(parentOf(pid), 'SIGKILL');
      await agent.containerd.restart();
      for (const id of ['w1', 'w2']) {
        await eventually(async () => (await agent.of(id))?.reason === 'ShimLost', 30_000);
        expect((await agent.of(id))?.exitCode).toBeUndefined();
      }
      await eventually(() => ![pid, second].some(isAlive));
      expect((await agent.status()).allocated).toBe(0);
      await removed('w1', 'w2');
    },
    SLEEP,
  );

  it('never fail a create by ending at the same time', async () => {
    const answers: unknown[] = [];
    for (let round = 0; round < 6; round++) {
      const ids = [0, 1, 2, 3].map((i) => `c${round}-${i}`);
      const made = await Promise.all(ids.map((id) => agent.create(id, { command: ['/bin/sleep', '0.2'] })));
      answers.push(...made.map(({ status, body }) => (status === 200 ? 200 : { status, ...body })));
      await Promise.all(ids.map((sandboxId) => agent.post('delete', { sandboxId })));
      if (round % 2 === 1) await eventually(async () => (await agent.status()).allocated <= 1, 30_000);
    }
    const bad = answers.filter((answer) => answer !== 200 && (answer as { code: string }).code !== 'slots_full');
    expect(bad).toEqual([]);
    await eventually(async () => (await agent.status()).allocated === 0, 30_000);
  }, 90_000);
});
