import { type CreateSandboxResponse } from '@fsb/agent-api/agent-api';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { AgentProcess } from '../../../test/support/agent-process';
import { eventually } from '../../../test/support/eventually';
import { importProber, PROBER_IMAGE } from './testing/prober-image';
import { isWaiting } from '../../../test/support/waiting-containers';

const LONG_MS = 60_000;
const ALLOWED = 20 * 1024 * 1024;
const ABUSES: Record<string, string> = {
  disk: 'dd if=/dev/zero of=/big bs=1M count=64',
  files: 'i=0; while [ $i -lt 11000 ]; do : > /tmp/$i; i=$((i+1)); done',
  log: 'yes 0123456789012345678901234567890123456789',
  'files of the agent': 'dd if=/dev/zero of=/etc/hosts bs=1M count=64',
  'a hidden folder': 'mkdir /a; cd /a; while :; do mkdir d && cd d || break; done',
};

const HIDERS = ['hide-unlinked', 'hide-mapped', 'hide-nameless'];

describe('node-agent: ephemeral storage', () => {
  let agent: AgentProcess;
  let client: ContainerdClient;
  let runtime: SandboxRuntime;

  beforeAll(async () => {
    agent = await AgentProcess.start('storage', {
      ...{ 'agent-capacity': '4', 'storage-interval': '500ms', 'log-max-size': '4Mi', 'warm-containers': '1' },
      'warm-images': JSON.stringify([{ image: 'busybox', containers: 1 }]),
    });
    importProber(agent);
    client = new ContainerdClient(agent.containerd.socket);
    runtime = new SandboxRuntime(client);
  }, 120_000);

  afterAll(async () => {
    client.close();
    await agent.stop();
  }, 60_000);

  const waits = () =>
    eventually(
      async () => (await runtime.list('')).some((one) => isWaiting(one) && one.task?.status === 'running'),
      LONG_MS,
    );
  const wasWarm = ({ stages = [] }: CreateSandboxResponse): boolean => stages.some(({ name }) => name === 'launch');
  const gone = (id: string) => eventually(async () => (await agent.of(id)) === undefined, LONG_MS);

  it('does not end a sandbox below its limit', async () => {
    const write = 'dd if=/dev/zero of=/some bs=1M count=16; sleep 3';
    const more = { command: ['/bin/sh', '-c', write], resources: { 'ephemeral-storage': String(ALLOWED) } };
    expect(await agent.create('modest', more)).toMatchObject({ status: 200 });
    expect(await agent.ended('modest', LONG_MS)).toMatchObject({ phase: 'stopped', exitCode: 0, reason: 'Completed' });
    await agent.post('delete', { sandboxId: 'modest' });
    await gone('modest');
  }, 90_000);

  it.each(Object.keys(ABUSES).flatMap((what) => [[what, 'warm'] as const, [what, 'cold'] as const]))(
    'evicts a sandbox that fills %s (%s), with the bytes in its message',
    async (what, start) => {
      await waits();
      const id = `${what.replaceAll(' ', '-')}-${start}`;
      const env = start === 'warm' ? {} : { LONG: 'x'.repeat(61 * 1024) }; // too long an order for a warm start
      const command = ['/bin/sh', '-c', `${ABUSES[what] ?? ''}; sleep 100`];
      const resources = { 'ephemeral-storage': String(ALLOWED) };
      const { body } = await agent.create(id, { command, env, resources });
      expect(wasWarm(body)).toBe(start === 'warm');
      const ended = await agent.ended(id, LONG_MS);
      expect(ended).toMatchObject({ phase: 'failed', reason: 'EphemeralStorageExceeded', exitCode: 137 });
      expect(ended.message).toMatch(
        new RegExp(`used at least \\d+ bytes .*allowed are ${ALLOWED} bytes in 10000 files`),
      );
      await eventually(async () => expect(await runtime.writableLayer(id)).toBeUndefined());
      expect((await agent.status()).allocated).toBe(0);
      await agent.post('delete', { sandboxId: id });
      await gone(id);
    },
    120_000,
  );

  it.each(HIDERS)(
    'evicts a sandbox for unlinked files (%s)',
    async (what) => {
      const resources = { 'ephemeral-storage': String(ALLOWED) };
      await agent.create(what, { image: PROBER_IMAGE, command: ['/prober', what], resources });
      expect(await agent.ended(what, LONG_MS)).toMatchObject({ phase: 'failed', reason: 'EphemeralStorageExceeded' });
      await agent.post('delete', { sandboxId: what });
      await gone(what);
    },
    90_000,
  );
});
