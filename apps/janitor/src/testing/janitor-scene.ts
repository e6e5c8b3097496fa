import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ContainerLabels } from '@fsb/api/labels';
import { runFolders } from '@fsb/node/node-folders';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { ImageStore } from '@fsb/containerd/image-store';
import { buildSpec, CAPABILITIES } from '@fsb/containerd/oci-spec';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type SeccompProfile, toOciSeccomp } from '@fsb/containerd/seccomp-profile';
import { ADMIN, ApiserverProcess } from '../../../../test/support/apiserver-process';
import { ContainerdProcess, removeCgroups } from '../../../../test/support/containerd-process';
import { eventually } from '../../../../test/support/eventually';
import { freePort } from '../../../../test/support/free-port';
import { FaultProxy } from './fault-proxy';

const ROOT = resolve(__dirname, '../../../..');
const MAIN = join(ROOT, 'dist/apps/janitor/src/main.js');
const PROFILE = '/usr/share/containers/seccomp.json';
const NODE = 'node-1';

/** Sandbox id of the form of a FAST create: MD5 hex. */
export function idOf(name: string): string {
  return createHash('md5').update(name).digest('hex');
}

export type Labels = Partial<Record<keyof typeof ContainerLabels, string>>;
interface Meta {
  readonly metadata: { uid: string };
}

/** A janitor process with its own containerd, API server and fault proxy. Makes containers as an agent makes them. */
export class JanitorScene {
  private child: ChildProcess | undefined;
  private port = 0;
  readonly client: ContainerdClient;
  readonly runtime: SandboxRuntime;

  private constructor(
    readonly containerd: ContainerdProcess,
    readonly api: ApiserverProcess,
    readonly proxy: FaultProxy,
    readonly installation: string,
  ) {
    this.client = new ContainerdClient(containerd.socket);
    this.runtime = new SandboxRuntime(this.client);
  }

  static async start(): Promise<JanitorScene> {
    const containerd = await ContainerdProcess.start();
    const api = await ApiserverProcess.start().catch(async (error: unknown) => {
      await containerd.stop();
      throw error;
    });
    await containerd.importBusybox();
    const namespace = (await api.ask('GET', '/api/v1/namespaces/kube-system')).body as unknown as Meta;
    const proxy = await FaultProxy.start(api.port);
    const scene = new JanitorScene(containerd, api, proxy, namespace.metadata.uid);
    for (const folder of ['logs', runFolders.sandboxes('run'), runFolders.owners('run')]) {
      mkdirSync(scene.path(folder), { recursive: true });
    }
    writeFileSync(scene.path(runFolders.owners('run'), scene.installation), '');
    writeFileSync(scene.path('kubeconfig'), scene.kubeconfig());
    return scene;
  }

  path(...names: string[]): string {
    return join(this.containerd.folder, ...names);
  }

  async launch(flags: Readonly<Record<string, string>> = {}): Promise<void> {
    this.port = await freePort();
    const all = {
      ...{ kubeconfig: this.path('kubeconfig'), 'node-name': NODE, 'containerd-socket': this.containerd.socket },
      ...{ 'orphan-timeout': '1s', 'scan-interval': '2s', 'log-dir': this.path('logs'), 'run-dir': this.path('run') },
      ...{ 'health-probe-bind-address': `127.0.0.1:${this.port}`, 'cni-dir': this.path('cni') },
      ...{ 'metrics-bind-address': `127.0.0.1:${this.port}`, ...flags },
    };
    const args = Object.entries(all).map(([name, value]) => `--${name}=${value}`);
    const out = openSync(this.path('janitor.out'), 'a');
    this.child = spawn('node', [MAIN, ...args], { stdio: ['ignore', out, out] });
    closeSync(out);
    await eventually(() => this.isReady(), 30_000).catch((error: unknown) => {
      throw new Error(`not ready: ${this.log.slice(-2000)}`, { cause: error });
    });
  }

  async isReady(): Promise<boolean> {
    return (await fetch(`http://127.0.0.1:${this.port}/readyz`)).ok;
  }

  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.child) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    this.child = undefined;
    await exited;
  }

  async stop(): Promise<void> {
    await this.kill('SIGKILL');
    this.proxy.stop();
    this.client.close();
    await this.containerd.stop();
    await this.api.end();
    removeCgroups(this.cgroup);
  }

  /** Waits until the janitor has read Sandbox `name` `times` more times. */
  async looks(name: string, times: number): Promise<void> {
    const count = (): number => this.proxy.asked.filter((line) => line.endsWith(`/sandboxes/${name}`)).length;
    const before = count();
    await eventually(() => count() >= before + times, 60_000, 100);
  }

  get log(): string {
    return readFileSync(this.path('janitor.out'), 'utf8');
  }

  removedOf(kind: string, reason: string): Promise<number> {
    return this.metric(`janitor_removed_total{kind="${kind}",reason="${reason}"}`);
  }

  /** Value of one series of the janitor's metrics; NaN if absent. */
  async metric(series: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.port}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`${series} `));
    return Number(line?.slice(series.length));
  }

  /** Messages of the `OrphanRemoved` Events about the object `name`. */
  async eventsOf(name: string): Promise<string[]> {
    const { items = [] } = (await this.api.ask('GET', '/api/v1/events')).body;
    const events = items as unknown as { involvedObject: { name: string }; message: string; reason: string }[];
    return events
      .filter(({ involvedObject, reason }) => involvedObject.name === name && reason === 'OrphanRemoved')
      .map(({ message }) => message);
  }

  labels(id: string, labels: Labels = {}): Record<string, string> {
    const all: Labels = {
      ...{ managed: 'true', installation: this.installation, agentName: 'gone', agentUid: 'gone', id },
      ...{ namespace: 'default', sandboxName: 'none', claimUid: '', claimTime: '1', ...labels },
    };
    return Object.fromEntries(
      Object.entries(all).map(([key, value]) => [ContainerLabels[key as keyof typeof ContainerLabels], value]),
    );
  }

  /** Starts a sandbox with its files. By default its claim is of 1970, and its agent is gone. @returns its id */
  async container(id: string, labels: Labels = {}): Promise<string> {
    const image = await new ImageStore(this.client).resolve('busybox');
    if (!image) throw new Error('no busybox');
    const folder = this.path('run/sandboxes', id);
    mkdirSync(folder, { recursive: true });
    const file = (name: string): string => join(folder, name);
    for (const name of ['resolv.conf', 'hosts', 'hostname']) writeFileSync(file(name), '');
    const seccomp = toOciSeccomp(
      JSON.parse(readFileSync(PROFILE, 'utf8')) as SeccompProfile,
      CAPABILITIES,
      process.arch,
    );
    const spec = buildSpec({
      ...{
        args: ['/bin/sleep', '1000'],
        env: ['PATH=/bin'],
        workingDir: '/',
        hostname: 'box',
        limits: { pids: 16 },
        openFiles: 1024,
      },
      ...{ cgroupsPath: `/${this.cgroup}/${id}`, seccomp },
    });
    const logFile = this.path('logs', `${id}.log`);
    writeFileSync(logFile, '');
    const request = { id, image: image.name, chainId: image.chainId, labels: this.labels(id, labels), claim: {} };
    const how = { runtimeBinary: '/usr/sbin/runc', runtimeRoot: this.path('runc') };
    await this.runtime.create({ ...request, ...how, spec, logFile });
    writeFileSync(`${logFile}.1`, 'older');
    return id;
  }

  async has(id: string): Promise<boolean> {
    return (await this.runtime.list(`id==${id}`)).length > 0;
  }

  /** Names of the parts of a container that still exist: record, task, snapshot, log, rotated, folder. */
  async leftOf(id: string): Promise<string[]> {
    const { tasks } = await this.client.tasks.list({ filter: '' });
    const stat = { snapshotter: 'overlayfs', key: `${id}-snapshot` };
    const there = {
      record: await this.has(id),
      task: tasks.some((task) => (task.containerId || task.id) === id),
      snapshot: await this.client.snapshots.stat(stat).then(
        () => true,
        () => false,
      ),
      log: existsSync(this.path('logs', `${id}.log`)),
      rotated: existsSync(this.path('logs', `${id}.log.1`)),
      folder: existsSync(this.path('run/sandboxes', id)),
    };
    return Object.entries(there).flatMap(([name, isThere]) => (isThere ? [name] : []));
  }

  async gone(id: string, withinMs = 20_000): Promise<void> {
    await eventually(
      async () => {
        expect(await this.leftOf(id)).toEqual([]);
      },
      withinMs,
      100,
    );
  }

  /** Creates an agent Pod on the janitor's node. @returns its uid */
  async pod(name: string): Promise<string> {
    const labels = { app: 'sandbox-agent', 'fast-sandbox.io/pool': 'pool' };
    const spec = { nodeName: NODE, containers: [{ name: 'agent', image: 'fast-sandbox/node-agent' }] };
    return this.make('/api/v1/namespaces/default/pods', { metadata: { name, labels }, spec });
  }

  async removePod(name: string): Promise<void> {
    await this.api.ask('DELETE', `/api/v1/namespaces/default/pods/${name}?gracePeriodSeconds=0`);
  }

  /** Creates a Sandbox. @returns its uid */
  async sandbox(name: string, status?: object): Promise<string> {
    const path = '/apis/sandbox.fast.io/v1alpha1/namespaces/default/sandboxes';
    const object = { apiVersion: 'sandbox.fast.io/v1alpha1', kind: 'Sandbox', metadata: { name } };
    const uid = await this.make(path, { ...object, spec: { image: 'busybox', poolRef: 'pool' } });
    if (status) await this.patch(`${path}/${name}/status`, { status });
    return uid;
  }

  /** Takes the sandbox-controller's Lease and renews it until `signal` aborts. */
  async lead(signal: AbortSignal): Promise<void> {
    const folder = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
    const spec = (): object => ({
      ...{ holderIdentity: 'somebody', leaseDurationSeconds: 6 },
      renewTime: new Date().toISOString().replace('Z', '000Z'),
    });
    await this.api.ask('POST', folder, { metadata: { name: 'sandbox-controller' }, spec: spec() });
    const timer = setInterval(() => {
      // a failed renewal is retried by the next
      void this.patch(`${folder}/sandbox-controller`, { spec: spec() }).catch(() => undefined);
    }, 300);
    signal.addEventListener('abort', () => {
      clearInterval(timer);
    });
  }

  private get cgroup(): string {
    return `fsb-janitor-${process.pid}`;
  }

  private async make(path: string, object: object): Promise<string> {
    const { status, body } = await this.api.ask('POST', path, object);
    if (status !== 201) throw new Error(`${path}: ${status} ${body.message ?? ''}`);
    return (body as unknown as Meta).metadata.uid;
  }

  private async patch(path: string, patch: object): Promise<void> {
    const { status, body } = await this.api.ask('PATCH', path, patch, {
      'content-type': 'application/merge-patch+json',
    });
    if (status !== 200) throw new Error(`${path}: ${status} ${body.message ?? ''}`);
  }

  private kubeconfig(): string {
    return JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'here' },
      clusters: [
        { name: 'here', cluster: { server: `http://127.0.0.1:${this.proxy.port}`, 'insecure-skip-tls-verify': true } },
      ],
      users: [{ name: 'admin', user: { token: ADMIN } }],
      contexts: [{ name: 'here', context: { cluster: 'here', user: 'admin' } }],
    });
  }
}

/** Runs `ip`. @returns its stdout */
export function runIp(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' });
}
