import { readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ContainerLabels } from '@fsb/api/labels';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { type ContainerRecord, SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { AgentProcess } from '../../../test/support/agent-process';
import { eventually } from '../../../test/support/eventually';

const WAITING = 6;
const LONG_MS = 60_000;
const STAY = ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done'];
/** Prints what a process can see of itself, without what differs in every container. */
const LOOK = `
  grep -E "^(Name|Umask|Pid|PPid|TracerPid|Uid|Gid|Groups|NSpid|NSsid|NSpgid|Sig|Shd|Cap|NoNew|Seccomp|Threads|Cpus_allowed):" /proc/1/status
  cat /proc/1/limits /proc/1/cgroup /proc/1/oom_score_adj
  tr "\\0" "\\n" < /proc/1/environ > /tmp/env; grep -v "^LONG=" /tmp/env; tr "\\0" "\\n" < /proc/1/cmdline
  readlink /proc/1/exe; readlink /proc/1/cwd; readlink /proc/1/root
  cut -d" " -f4- /proc/1/mountinfo > /tmp/mounts; sed -E "s/ - overlay .*//; s/(upperdir|workdir|lowerdir)=[^, ]*//g" /tmp/mounts
  ls -l /proc/1/fd > /tmp/fds; sed -E "s/.* ([0-9]+ -> )/\\1/; s/pipe:.*/pipe/" /tmp/fds
  ls -laR /run > /tmp/run 2>&1; sed -E "s/ [A-Z][a-z]+ +[0-9]+ [0-9:]+ / /" /tmp/run
  hostname; cat /etc/hostname /etc/hosts /etc/resolv.conf; umask; id; echo done`;

describe.each(['/usr/bin/crun', '/usr/sbin/runc'])('node-agent: standby containers, with %s', (binary) => {
  let agent: AgentProcess;
  let client: ContainerdClient;
  let runtime: SandboxRuntime;

  beforeAll(async () => {
    agent = await AgentProcess.start('warm', {
      ...{ 'agent-capacity': '40', 'runtime-binary': binary, 'warm-containers': String(WAITING) },
      'warm-images': JSON.stringify([{ image: 'busybox', containers: WAITING }]),
    });
    client = new ContainerdClient(agent.containerd.socket);
    runtime = new SandboxRuntime(client);
    await refilled();
  }, 180_000);

  afterAll(async () => {
    client.close();
    await agent.stop();
  }, 60_000);

  const waiting = () => runtime.list(`labels."${ContainerLabels.waiting}"`);
  const refilled = (count = WAITING) =>
    eventually(async () => {
      const all = await waiting();
      return all.length === count && all.every(({ task }) => task?.status === 'running') ? all : false;
    }, LONG_MS);
  const recordOf = async (id: string): Promise<ContainerRecord | undefined> =>
    (await runtime.list(`labels."${ContainerLabels.id}"==${id}`))[0];
  /** waits for the record, which is written behind the answer */
  const recorded = (id: string): Promise<ContainerRecord> =>
    eventually(() => recordOf(id).then((found) => found ?? false));
  const remove = (sandboxId: string) => agent.post('delete', { sandboxId });
  const log = (id: string): string => readFileSync(agent.path(`logs/${id}.log`), 'utf8');
  const wasWarm = (body: { stages?: readonly { name: string }[] | undefined }): boolean =>
    body.stages?.some(({ name }) => name === 'launch') ?? false;

  async function gone(id: string): Promise<void> {
    await remove(id);
    await eventually(async () => expect(await recordOf(id)).toBeUndefined(), LONG_MS);
    await eventually(() => {
      const left = [...readdirSync(agent.path('run/sandboxes')), ...readdirSync(agent.path('logs'))];
      expect(left.filter((name) => !name.startsWith('warm-'))).toEqual([]);
    }, LONG_MS);
  }

  it('give a sandbox that does not differ from a cold one', async () => {
    await refilled();
    const looks: string[] = [];
    for (const id of ['warm', 'cold']) {
      // an order of over 60 KiB makes a cold start
      const env = { B: "it's", A: 'x\ny', LONG: 'x'.repeat(id === 'warm' ? 1 : 61 * 1024) };
      const more = { claimName: 'same', command: ['/bin/sh', '-c', LOOK], workingDir: '/tmp', env };
      const { body } = await agent.create(id, more);
      expect(wasWarm(body)).toBe(id === 'warm');
      await agent.ended(id);
      looks.push(
        log(id)
          .replaceAll(/warm-[\da-f]{16}/g, 'ID')
          .replaceAll(new RegExp(`\\b${id}\\b`, 'g'), 'ID'),
      );
    }
    expect(looks[0]).toContain('\ndone\n');
    expect(looks[0]).toBe(looks[1]);
    const [warm, cold] = [await recorded('warm'), await recorded('cold')];
    const named = ({ labels }: ContainerRecord): string[] => Object.keys(labels).sort();
    expect(named(warm)).toEqual(named(cold));
    for (const id of ['warm', 'cold']) await remove(id);
    await gone('cold');
  }, 180_000);

  it('give a sandbox its own limits and exit code, and leave nothing', async () => {
    await refilled();
    const resources = { memory: '64Mi', cpu: '500m', pids: '77' };
    const { body } = await agent.create('limited', { command: STAY, resources });
    expect(wasWarm(body)).toBe(true);
    const { id } = await recorded('limited');
    const file = (controller: string, name: string): string =>
      readFileSync(join('/sys/fs/cgroup', controller, `fsb-warm-${process.pid}/sandboxes`, id, name), 'utf8').trim();
    expect(file('memory', 'memory.limit_in_bytes')).toBe(String(64 * 1024 * 1024));
    expect(file('cpu', 'cpu.cfs_quota_us')).toBe('50000');
    expect(file('cpu', 'cpu.shares')).toBe('512');
    // all sandboxes together have the CPU weight of their agent
    const all = readFileSync(`/sys/fs/cgroup/cpu/fsb-warm-${process.pid}/sandboxes/cpu.shares`, 'utf8').trim();
    expect(all).toBe('1024');
    expect(file('pids', 'pids.max')).toBe('77');
    await gone('limited');

    const ends = await agent.create('ends', {
      command: ['/bin/sh', '-c', 'trap "echo told; exit 9" TERM; echo up; while :; do sleep 0.1; done'],
    });
    expect(wasWarm(ends.body)).toBe(true);
    await eventually(() => log('ends').includes('up'));
    process.kill((await recorded('ends')).task!.pid, 'SIGTERM');
    expect(await agent.ended('ends')).toMatchObject({ phase: 'failed', exitCode: 9, reason: 'Error' });
    expect(log('ends')).toBe('up\ntold\n');
    await gone('ends');

    await refilled();
    const eats = ['/bin/sh', '-c', 'sleep 1; x=a; while :; do x=$x$x$x; done'];
    const eater = await agent.create('eats', { command: eats, resources: { memory: '16Mi' } });
    expect(wasWarm(eater.body)).toBe(true);
    expect(await agent.ended('eats', LONG_MS)).toMatchObject({ phase: 'failed', exitCode: 137, reason: 'OOMKilled' });
    await gone('eats');
  }, 180_000);

  it('leave no sandbox where the command is missing', async () => {
    await refilled();
    const { status, body } = await agent.create('none', { command: ['/bin/nothing'] });
    expect({ status, code: body.code }).toEqual({ status: 404, code: 'command_not_found' });
    expect(await agent.of('none')).toBeUndefined();
    expect(await recordOf('none')).toBeUndefined();
  });

  it('go to one sandbox each, with many concurrent creates; the rest start cold', async () => {
    await refilled();
    const ids = Array.from({ length: 2 * WAITING }, (_, i) => `crowd-${i}`);
    const answers = await Promise.all(ids.map((id) => agent.create(id, { command: STAY })));
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
    expect(answers.filter(({ body }) => wasWarm(body)).length).toBeGreaterThanOrEqual(WAITING);
    for (const id of ids) await recorded(id);
    const records = (await runtime.list('')).filter(({ labels }) => labels[ContainerLabels.id] !== undefined);
    expect(records.map(({ labels }) => labels[ContainerLabels.id]).sort()).toEqual([...ids].sort());
    expect(new Set(records.map(({ task }) => task?.pid)).size).toBe(ids.length);
    for (const id of ids) await remove(id);
    await eventually(async () => (await agent.status()).sandboxStatuses.length === 0, LONG_MS);
    await refilled();
  }, 120_000);

  it('are reported by image', async () => {
    await refilled();
    expect((await agent.status()).waiting).toEqual(['docker.io/library/busybox:latest']);
  });

  it('are not given when dead', async () => {
    for (const { task } of await refilled()) process.kill(task!.pid, 'SIGKILL');
    const { status } = await agent.create('after', { command: STAY });
    expect(status).toBe(200);
    expect((await recorded('after')).task?.status).toBe('running');
    await gone('after');
    await refilled();
  }, 120_000);

  it('are replaced by another where they die before they read their order', async () => {
    const pids = (await refilled()).map(({ task }) => task!.pid);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    const answer = agent.create('spared', { command: STAY });
    await sleep(300);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    expect((await answer).status).toBe(200);
    expect((await recorded('spared')).task?.status).toBe('running');
    expect(await agent.of('spared')).toMatchObject({ phase: 'running' });
    await gone('spared');
    await refilled();
  }, 120_000);

  it('outlive a kill of the agent', async () => {
    const before = (await refilled()).map(({ id }) => id).sort();
    await agent.end('SIGKILL');
    await agent.launch();
    expect((await refilled()).map(({ id }) => id).sort()).toEqual(before);
    const { body } = await agent.create('later', { command: STAY });
    expect(wasWarm(body)).toBe(true);
    expect(before).toContain((await recorded('later')).id);
    await agent.end('SIGKILL');
    await agent.launch();
    expect(await agent.of('later')).toMatchObject({ phase: 'running' });
    await gone('later');
  }, 120_000);

  /** Resolves when an entry of a folder changes whose name matches. */
  const seen = (folder: string, name: (entry: string) => boolean): Promise<void> =>
    new Promise((resolve) => {
      const watcher = watch(folder, (_event, entry) => {
        if (!name(entry ?? '')) return;
        watcher.close();
        resolve();
      });
    });
  const moments: Record<string, (id: string) => Promise<unknown>> = {
    'its claim is in a file': async () =>
      Promise.race(
        (await waiting()).map(({ id }) => seen(agent.path(`run/sandboxes/${id}`), (name) => name === 'claim')),
      ),
    'its process runs': (id) => seen(agent.path('run/sandboxes'), (name) => name === id),
    'containerd has its claim': async () => {
      const events = client.stream(() => client.events.subscribe({ filters: ['topic=="/containers/update"'] }));
      await events.next();
      await events.return(undefined);
    },
  };

  it.each(Object.keys(moments).flatMap((moment) => [1, 2].map((time) => [moment, time] as const)))(
    'give a running sandbox or leave nothing where the agent is killed when %s (%i)',
    async (moment, time) => {
      await refilled();
      const id = `killed-${Object.keys(moments).indexOf(moment)}-${time}`;
      const reached = moments[moment]!(id);
      await sleep(100); // for the watches to begin
      const answer = agent.create(id, { command: STAY }).catch(() => undefined);
      await reached;
      await agent.end('SIGKILL');
      const response = await answer;
      await agent.launch();
      const record = await eventually(async () => {
        const found = await recordOf(id);
        const phase = (await agent.of(id))?.phase;
        return phase === undefined ? found === undefined && { found } : phase === 'running' && { found };
      }, LONG_MS);
      if (response?.status === 200) expect(record.found).toBeDefined();
      if (record.found) {
        const command = readFileSync(`/proc/${record.found.task!.pid}/cmdline`, 'utf8').split('\0');
        expect(command.slice(0, 2)).toEqual(STAY.slice(0, 2));
      }
      await gone(id);
    },
    120_000,
  );

  it('start a sandbox without containerd, which gets the claim afterwards; an exit meanwhile is found', async () => {
    await refilled();
    process.kill(agent.containerd.pid, 'SIGSTOP');
    const { body } = await agent.create('patient', { command: ['/bin/sh', '-c', 'exit 3'] });
    expect(wasWarm(body)).toBe(true);
    await agent.containerd.kill();
    await agent.containerd.restart();
    expect(await agent.ended('patient', LONG_MS)).toMatchObject({ phase: 'failed', exitCode: 3 });
    await eventually(async () =>
      expect((await recorded('patient')).claim).toMatchObject({ finished: { exitCode: 3 } }),
    );
    await gone('patient');
  }, 120_000);
});
