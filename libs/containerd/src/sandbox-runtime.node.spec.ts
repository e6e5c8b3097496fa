import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BUSYBOX, ContainerdProcess, removeCgroups } from '../../../test/support/containerd-process';
import { eventually } from '../../../test/support/eventually';
import { ContainerdClient } from './containerd-client';
import { type ImageInfo, ImageStore } from './image-store';
import { buildSpec, type ContainerLimits } from './oci-spec';
import { type ContainerRequest, SandboxRuntime } from './sandbox-runtime';
import { type SeccompProfile, toOciSeccomp } from './seccomp-profile';
import { CAPABILITIES } from './oci-spec';
import { type RuntimeEvent } from './runtime-events';

const seccomp = toOciSeccomp(
  JSON.parse(readFileSync('/usr/share/containers/seccomp.json', 'utf8')) as SeccompProfile,
  CAPABILITIES,
  process.arch,
);

describe.each(['runc', 'crun'])('SandboxRuntime with %s on a real containerd', (binary) => {
  let containerd: ContainerdProcess;
  let client: ContainerdClient;
  let runtime: SandboxRuntime;
  let images: ImageStore;
  let image: ImageInfo;
  const events: RuntimeEvent[] = [];
  const listening = new AbortController();
  let listened: Promise<void>;

  beforeAll(async () => {
    containerd = await ContainerdProcess.start();
    await containerd.importBusybox();
    client = new ContainerdClient(containerd.socket);
    runtime = new SandboxRuntime(client);
    images = new ImageStore(client);
    const found = await images.resolve('busybox');
    if (!found) throw new Error('no busybox');
    image = found;
    listened = listen();
  }, 60_000);

  afterAll(async () => {
    listening.abort();
    await listened;
    client.close();
    await containerd.stop();
    removeCgroups(`fsb-test-${process.pid}`);
  }, 60_000);

  /** Resubscribes when containerd dies: one case kills it. */
  async function listen(): Promise<void> {
    while (!listening.signal.aborted) {
      try {
        for await (const event of runtime.events(listening.signal)) events.push(event);
      } catch {
        await sleep(50);
      }
    }
  }

  const logFile = (id: string): string => join(containerd.folder, `${id}.log`);

  function request(
    id: string,
    args: string[],
    limits: ContainerLimits = { pids: 64 },
    profile = seccomp,
  ): ContainerRequest {
    writeFileSync(logFile(id), '');
    const spec = buildSpec({
      args,
      env: ['PATH=/bin', 'GREETING=hello world'],
      workingDir: '/tmp',
      hostname: id,
      openFiles: 1024,
      limits,
      cgroupsPath: `/fsb-test-${process.pid}/${id}`,
      seccomp: profile,
    });
    return {
      id,
      image: image.name,
      chainId: image.chainId,
      labels: { 'fast-sandbox.io/managed': 'true', 'fast-sandbox.io/id': id },
      claim: { sandboxId: id, secret: 'x'.repeat(8000) },
      spec,
      logFile: logFile(id),
      runtimeBinary: `/usr/bin/${binary}`,
      runtimeRoot: join(containerd.folder, 'runtime'),
    };
  }

  const exitOf = (id: string) =>
    eventually(() => {
      const event = events.find((one) => one.kind === 'exit' && one.containerId === id);
      return event?.kind === 'exit' ? event : false;
    });

  it('ImageStore: resolves an image by its short name, with its config', () => {
    expect(image.name).toBe(BUSYBOX);
    expect(image.config).toMatchObject({ cmd: ['/bin/sh'], env: ['PATH=/bin'] });
  });

  it('create: runs a command with output, environment and hardening, and reports its exit', async () => {
    const script =
      'echo "$GREETING"; pwd; hostname; cat /proc/self/oom_score_adj; grep -E "^(CapEff|NoNewPrivs|Seccomp):" /proc/self/status; exit 7';
    const { pid, stages } = await runtime.create(request('run', ['/bin/sh', '-c', script]));
    expect(pid).toBeGreaterThan(1);
    expect(stages.map(({ name }) => name).sort()).toEqual(['container', 'snapshot', 'start', 'task']);
    expect(stages.slice(2).map(({ name }) => name)).toEqual(['task', 'start']);
    expect(await exitOf('run')).toMatchObject({ exitStatus: 7 });
    await eventually(() => readFileSync(logFile('run'), 'utf8').includes('Seccomp:')); // the exit may be reported before the last output is copied
    const log = readFileSync(logFile('run'), 'utf8').split('\n');
    expect(log.slice(0, 4)).toEqual(['hello world', '/tmp', 'run', '1000']);
    expect(log.join('\n')).toMatch(/CapEff:\s+00000000000404fb/);
    expect(log.join('\n')).toMatch(/NoNewPrivs:\s+1/);
    expect(log.join('\n')).toMatch(/Seccomp:\s+2/);
  });

  it('create: filters the same system calls with a cached seccomp filter', async () => {
    const script = 'busybox mkdir /made 2>&1; busybox grep "^Seccomp:" /proc/self/status; exec sleep 100';
    const refused = ['mkdir', 'mkdirat'];
    const others = seccomp.syscalls.map(({ names, ...rule }) => ({
      ...rule,
      names: names.filter((name) => !refused.includes(name)),
    }));
    const rule = { names: refused, action: 'SCMP_ACT_ERRNO', errnoRet: 1 };
    const noFolders = { ...seccomp, syscalls: [rule, ...others] };
    const outputs: string[] = [];
    for (const id of ['filter1', 'filter2']) {
      await runtime.create(request(id, ['/bin/sh', '-c', script], { pids: 64 }, noFolders));
      await eventually(() => readFileSync(logFile(id), 'utf8').includes('Seccomp:'));
      outputs.push(readFileSync(logFile(id), 'utf8'));
      await sleep(500); // the filter is cached in the background
    }
    expect(outputs[0]).toMatch(/mkdir.*: Operation not permitted\nSeccomp:\s+2\n/);
    expect(outputs[1]).toBe(outputs[0]);
    const { container } = await client.containers.get({ id: 'filter2' });
    const spec = JSON.parse(Buffer.from(container!.spec!.value).toString()) as { annotations: object };
    expect('run.oci.seccomp_bpf_data' in spec.annotations).toBe(binary === 'crun');
    for (const id of ['filter1', 'filter2']) await runtime.remove(id);
  });

  it('list: returns the claim, and labels set later', async () => {
    await runtime.create(request('kept', ['/bin/sleep', '100']));
    await runtime.setLabels('kept', { 'fast-sandbox.io/terminating': '1' });
    const [record] = await runtime.list('labels."fast-sandbox.io/id"==kept');
    expect(record).toMatchObject({ id: 'kept', claim: { sandboxId: 'kept' }, task: { status: 'running' } });
    expect(record?.labels).toMatchObject({ 'fast-sandbox.io/managed': 'true', 'fast-sandbox.io/terminating': '1' });
    await runtime.kill('kept', 'SIGKILL');
    expect(await exitOf('kept')).toMatchObject({ exitStatus: 137 });
  });

  it('create: returns stages that add up to no more than the elapsed time', async () => {
    const timed = request('timed', ['/bin/sleep', '100']);
    const started = performance.now();
    const { stages } = await runtime.create(timed);
    const passed = performance.now() - started;
    expect(stages.map(({ name }) => name).sort()).toEqual(['container', 'snapshot', 'start', 'task']);
    expect(stages.reduce((sum, { ms }) => sum + ms, 0)).toBeLessThanOrEqual(passed);
    await runtime.remove('timed');
  });

  it('remove: removes everything, and is idempotent', async () => {
    await runtime.create(request('gone', ['/bin/sleep', '100']));
    await runtime.remove('gone');
    await runtime.remove('gone');
    expect(await runtime.list('id==gone')).toEqual([]);
    const stat = client.snapshots.stat({ snapshotter: 'overlayfs', key: 'gone-snapshot' });
    await expect(stat).rejects.toMatchObject({ code: 'not_found' });
  });

  it('create: leaves nothing after a failure', async () => {
    const bad = request('bad', ['/bin/nothing-there']);
    await expect(runtime.create(bad)).rejects.toThrow(/nothing-there/);
    expect(await runtime.list('id==bad')).toEqual([]);
    await expect(client.snapshots.stat({ snapshotter: 'overlayfs', key: 'bad-snapshot' })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('dropStraySnapshots: removes an orphan snapshot, which the collector keeps', async () => {
    const hasSnapshot = (id: string): Promise<boolean> =>
      client.snapshots.stat({ snapshotter: 'overlayfs', key: `${id}-snapshot` }).then(
        () => true,
        () => false,
      );
    for (const id of ['stray', 'whole']) await runtime.create(request(id, ['/bin/sleep', '100']));
    await runtime.kill('stray', 'SIGKILL');
    await runtime.wait('stray', 5_000);
    await client.tasks.delete({ containerId: 'stray' });
    await client.containers.delete({ id: 'stray' });
    await client.leases.create({ id: 'collects', labels: {} });
    await client.leases.delete({ id: 'collects', sync: true }); // returns when the collector has run
    expect(await hasSnapshot('stray')).toBe(true);
    await runtime.removeOrphanSnapshots('labels."fast-sandbox.io/id"=="other"');
    expect(await hasSnapshot('stray')).toBe(true);
    await runtime.removeOrphanSnapshots('labels."fast-sandbox.io/managed"=="true"');
    expect([await hasSnapshot('stray'), await hasSnapshot('whole')]).toEqual([false, true]);
    await runtime.remove('whole');
  });

  it('create: refuses an id that is taken, and leaves its container alone', async () => {
    await runtime.create(request('twice', ['/bin/sleep', '100']));
    const again = runtime.create(request('twice', ['/bin/sleep', '1']));
    await expect(again).rejects.toMatchObject({ code: 'already_exists' });
    expect((await runtime.list('id==twice'))[0]?.task?.status).toBe('running');
  });

  it('create: enforces limits of memory and processes', async () => {
    // the shim subscribes to OOM events just after the start: an earlier OOM is only an exit with 137
    const hog = ['/bin/sh', '-c', 'sleep 1; x=a; while true; do x="$x$x"; done'];
    await runtime.create(request('hog', hog, { pids: 64, memoryBytes: 16 * 1024 * 1024 }));
    expect(await exitOf('hog')).toMatchObject({ exitStatus: 137 });
    await eventually(() => events.some((event) => event.kind === 'oom' && event.containerId === 'hog'));
    const forks = ['/bin/sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; wait'];
    await runtime.create(request('forks', forks, { pids: 4 }));
    expect((await exitOf('forks')).exitStatus).not.toBe(0);
    await runtime.release('forks'); // the shim finishes copying first
    expect(readFileSync(logFile('forks'), 'utf8')).toContain("can't fork");
  });

  it('create: logs stderr even after stdout was closed', async () => {
    const script = 'echo first >&2; exec >/dev/null; busybox usleep 300000; echo last >&2; exit 2';
    await runtime.create(request('closed', ['/bin/sh', '-c', script]));
    expect(await exitOf('closed')).toMatchObject({ exitStatus: 2 });
    await runtime.release('closed'); // the shim finishes copying first
    expect(readFileSync(logFile('closed'), 'utf8')).toBe('first\nlast\n');
    await runtime.remove('closed');
  });

  it('create: never loses the only line of a process that ends at once', async () => {
    const rounds = Number(process.env['FSB_LAST_LINES'] ?? 30);
    const lost: string[] = [];
    for (let round = 0; round < rounds; round++) {
      const id = `last${round}`;
      await runtime.create(request(id, ['/bin/sh', '-c', `echo ${id} >&${1 + (round % 2)}; exit 2`]));
      await runtime.wait(id, 10_000);
      await runtime.release(id);
      if (readFileSync(logFile(id), 'utf8') !== `${id}\n`) lost.push(id);
      await runtime.remove(id);
    }
    expect(lost).toEqual([]);
  }, 120_000);

  it('keeps sandboxes running when containerd is killed', async () => {
    await runtime.create(request('survivor', ['/bin/sleep', '100']));
    await containerd.kill();
    await containerd.restart();
    const records = await eventually(async () => {
      const found = await runtime.list('id==survivor');
      return found[0]?.task?.status === 'running' ? found : false;
    });
    expect(records).toHaveLength(1);
  });
});
