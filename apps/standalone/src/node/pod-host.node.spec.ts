import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { installationId } from '@fsb/controller-runtime/installation';
import { EVENT_KIND, NODE_KIND, type Pod, POD_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient, loadKubeConfig } from '@fsb/controller-runtime/kube-client';
import { pino } from 'pino';
import { eventually } from '../../../../test/support/eventually';
import { ApiserverProcess } from '../../../../test/support/apiserver-process';
import { processRows } from '../command/process-rows';
import { endPods, removeBridge, removeCgroups } from '../command/end-pods';
import { bridgeName, cgroupName, networkNamespaceName } from '@fsb/node/machine-names';
import { files, layoutOf } from '../layout';
import { get } from '../probe';
import { isAlive } from '../process-identity';
import { readJson } from '../state-file';
import { saveChoice } from '../supervisor/choice';
import { NodeRegistration } from './node-registration';
import { cgroupHierarchies } from './pod-cgroup';
import { PodHost } from './pod-host';
import { PodNetwork } from './pod-network';
import { podRecord, type PodRecord, podRecordFile } from './pod-record';
import { SecretVolumes } from './secret-volumes';

const SUBNET = '10.89.241.0/24';
/** Answers ready, and its environment. */
const PROGRAM = `require('node:http').createServer((q, s) => {
  if (q.url === '/crash') throw new TypeError('no such thing');
  s.end(q.url === '/env' ? JSON.stringify(process.env) : 'ok');
})
  .listen(9091, () => console.log('serving'));`;
const logger = pino({ level: 'silent' });
const missing =
  process.getuid?.() === 0 && existsSync('/usr/lib/cni/bridge') ? undefined : 'needs root and CNI plugins';

(missing === undefined ? describe : describe.skip)(`PodHost ${missing ?? ''}`, () => {
  const layout = layoutOf(mkdtempSync(join(tmpdir(), 'fsb-node-')));
  const entry = join(layout.root ?? '', 'program.js');
  let api: ApiserverProcess;
  let client: KubeClient;
  let installation: string;
  let closing: AbortController;
  let host: PodHost;

  const startNode = async (): Promise<void> => {
    closing = new AbortController();
    const options = { bridge: bridgeName(installation), subnet: SUBNET, dataDir: files.cni(layout) };
    host = new PodHost(
      {
        client,
        events: new EventRecorder(client, 'node'),
        secrets: new SecretVolumes(client, files.agentTls(layout)),
        network: new PodNetwork({ ...options, binDir: '/usr/lib/cni' }),
        logger,
        runDir: files.pods(layout),
        logDir: files.podLogs(layout),
        cgroup: cgroupName(installation),
        facts: { nodeName: 'test-node', hostIp: '10.89.241.1', machine: { cpus: 2, memoryBytes: 1024 } },
        agentEntry: entry,
        closing: closing.signal,
      },
      installation,
    );
    host.start();
    await eventually(() => host.isReady);
  };
  const stopNode = async (): Promise<void> => {
    closing.abort();
    await host.stop();
  };
  const createPod = async (name: string, more: object = {}): Promise<string> => {
    const image = 'fast-sandbox/node-agent:latest';
    const env = [
      { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ];
    const resources = { limits: { memory: '256Mi' } };
    const spec = { nodeName: 'test-node', containers: [{ name: 'agent', image, env, resources, ...more }] };
    const { metadata } = await client.create(POD_KIND, { metadata: { namespace: 'default', name }, spec });
    return metadata.uid ?? '';
  };
  /** in units of a process with the default weight */
  const weightOfPods = (): number => {
    const [v1, v2] = [`cpu/${cgroupName(installation)}/cpu.shares`, `${cgroupName(installation)}/cpu.weight`].map(
      (file) => join('/sys/fs/cgroup', file),
    ) as [string, string];
    return existsSync(v1) ? Number(readFileSync(v1, 'utf8')) / 1024 : Number(readFileSync(v2, 'utf8')) / 100;
  };
  const pod = (name: string): Promise<Pod> => client.get(POD_KIND, { namespace: 'default', name });
  const isReady = ({ status }: Pod): boolean =>
    status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
  const record = (uid: string): PodRecord | undefined => readJson(podRecordFile(files.pods(layout), uid), podRecord);

  beforeAll(async () => {
    for (const folder of [files.pods(layout), files.podLogs(layout)]) mkdirSync(folder, { recursive: true });
    writeFileSync(entry, PROGRAM);
    api = await ApiserverProcess.start();
    client = new KubeClient(loadKubeConfig(join(api.folder, 'kubeconfig')), 'test');
    installation = await installationId(client);
    saveChoice(layout, { containerd: { private: true, socket: '', root: '', reason: '' }, subnet: SUBNET });
    await startNode();
  }, 60_000);

  afterAll(async () => {
    await stopNode();
    await endPods(layout, installation);
    await removeBridge(installation);
    await removeCgroups(installation);
    await api.end();
    rmSync(layout.root ?? '', { recursive: true, force: true });
  }, 60_000);

  it('NodeRegistration: registers a ready Node', async () => {
    const done = new AbortController();
    const registration = new NodeRegistration(client, 'test-node', '10.89.241.1', logger);
    registration.start(done.signal);
    await eventually(() => registration.isReady);
    const { status } = await client.get(NODE_KIND, { name: 'test-node' });
    expect(status?.conditions).toEqual([expect.objectContaining({ type: 'Ready', status: 'True' })]);
    done.abort();
    await registration.untilStopped();
  });

  it('runs a Pod with an address, an environment, a cgroup and a log of its own', async () => {
    const uid = await createPod('one');
    const { status } = await eventually(async () => {
      const now = await pod('one');
      return isReady(now) && now;
    });
    expect(status?.phase).toBe('Running');
    expect(status?.podIP).toMatch(/^10\.89\.241\.\d+$/);
    const { body } = await get(`http://${status?.podIP ?? ''}:9091/env`);
    const namespace = networkNamespaceName(installation, uid);
    expect(JSON.parse(body)).toMatchObject({
      POD_NAME: 'one',
      POD_IP: status?.podIP,
      NETWORK_NAMESPACE: `/run/netns/${namespace}`,
      CGROUP_PARENT: `/${cgroupName(installation)}/${uid}`,
    });
    expect(JSON.parse(body)).not.toHaveProperty('HOME');
    const pid = record(uid)?.process?.pid ?? 0;
    expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toContain(`/${cgroupName(installation)}/${uid}/agent`);
    expect(weightOfPods()).toBeGreaterThanOrEqual(cpus().length);
    expect(readFileSync(join(files.podLogs(layout), uid, 'agent/0.log'), 'utf8')).toBe('serving\n');
  }, 30_000);

  it('restarts the process of a Pod, and records the end', async () => {
    const uid = (await pod('one')).metadata.uid ?? '';
    process.kill(record(uid)!.process!.pid, 'SIGKILL');
    await eventually(async () => (await pod('one')).status?.containerStatuses?.[0]?.restartCount === 1);
    await eventually(async () => isReady(await pod('one')));
    expect(record(uid)?.lastEnd).toBe('killed by SIGKILL');
  }, 30_000);

  it('reports the cause of a crash: in the record that `status` reads, and in the Pod', async () => {
    const { metadata, status } = await pod('one');
    await get(`http://${status?.podIP ?? ''}:9091/crash`).catch(() => undefined);
    await eventually(async () => (await pod('one')).status?.containerStatuses?.[0]?.restartCount === 2);
    await eventually(async () => isReady(await pod('one')), 20_000);
    const reason = 'exit code 1: TypeError: no such thing';
    expect(record(metadata.uid ?? '')?.lastEnd).toBe(reason);
    const [container] = (await pod('one')).status?.containerStatuses ?? [];
    expect(container).toMatchObject({ lastState: { terminated: { exitCode: 1, message: reason } } });
    expect((await processRows(layout)).find(({ name }) => name === 'agent/one')).toMatchObject({ lastEnd: reason });
  }, 60_000);

  it('leaves its Pods running when it ends, and adopts them', async () => {
    const uid = (await pod('one')).metadata.uid ?? '';
    const before = record(uid);
    await stopNode();
    expect(isAlive(before!.process!)).toBe(true);
    await startNode();
    await eventually(async () => isReady(await pod('one')));
    expect(record(uid)).toEqual(before);
  }, 30_000);

  it.each([
    ['an unknown image', { image: 'nginx' }, 'ErrImageNotAvailable'],
    ['a command', { command: ['sh'] }, 'CreateContainerConfigError'],
    ['a variable of a Secret', { env: [{ name: 'V', valueFrom: {} }] }, 'CreateContainerConfigError'],
  ])(
    'refuses %s, with the reason in the Pod and in an Event',
    async (_, container, expected) => {
      await createPod('other', container);
      await eventually(async () => {
        const [container] = (await pod('other')).status?.containerStatuses ?? [];
        return container?.state?.waiting?.reason === expected;
      });
      await eventually(async () => {
        const { items } = await client.list(EVENT_KIND, { namespace: 'default' });
        return items.some(({ type, reason }) => type === 'Warning' && reason === expected);
      });
      await client.delete(POD_KIND, { namespace: 'default', name: 'other' });
      await eventually(() =>
        pod('other').then(
          () => false,
          () => true,
        ),
      );
    },
    30_000,
  );

  it('removes all of a deleted Pod: process, address, namespace, cgroup, record, object', async () => {
    const uid = (await pod('one')).metadata.uid ?? '';
    const { process: process_ } = record(uid)!;
    await client.delete(POD_KIND, { namespace: 'default', name: 'one' });
    await eventually(() =>
      pod('one').then(
        () => false,
        () => true,
      ),
    );
    expect(isAlive(process_!)).toBe(false);
    expect(readdirSync('/run/netns')).not.toContain(networkNamespaceName(installation, uid));
    expect(record(uid)).toBeUndefined();
    expect(
      readdirSync(join(files.cni(layout), bridgeName(installation))).filter((name) => name.startsWith('10.')),
    ).toEqual([]);
    for (const { folder } of cgroupHierarchies(readFileSync('/proc/self/mounts', 'utf8'))) {
      expect(existsSync(join(folder, cgroupName(installation), uid))).toBe(false);
    }
  }, 40_000);

  it('ends a Pod that was deleted while no node ran', async () => {
    const uid = await createPod('gone');
    await eventually(async () => isReady(await pod('gone')));
    const { process: process_ } = record(uid)!;
    await stopNode();
    await client.delete(POD_KIND, { namespace: 'default', name: 'gone' }, { gracePeriodSeconds: 0 });
    await startNode();
    await eventually(() => !isAlive(process_!) && record(uid) === undefined, 35_000);
  }, 60_000);
});
