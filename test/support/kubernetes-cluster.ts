import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { writeControlPlaneFiles } from './control-plane-files';
import { eventually } from './eventually';
import { freePort } from './free-port';
import { KubeHttp, type Reply } from './kube-http';
import { type KubernetesRelease, releaseOf } from './kubernetes-release';

const run = promisify(execFile);
const ROOT = resolve(__dirname, '../..');
/** A first start on two busy cores. */
const READY_MS = 120_000;
const COMMAND_MS = 60_000;
const LOG_LINES = 15;
/** Delay before a program that ended is started again, as a kubelet would. */
const RESTART_MS = 500;
const TOKEN = 'admin-token-for-the-test';

/** The place where a cluster's programs run. */
export interface Site {
  /** folder of their keys, data and logs; removed at the end */
  readonly folder: string;
  /** their address as seen from here */
  readonly host: string;
  /** subject alternative names of the API server's certificate */
  readonly names: readonly string[];
  /** command prefix that runs a program there */
  readonly within: readonly string[];
  /** further flags of the API server */
  readonly flags: readonly string[];
  /** Ends the processes of the site. */
  readonly end: () => Promise<void>;
}

export interface ProcessRow {
  readonly name: string;
  readonly pid: number;
  readonly state: string;
  /** `ok`, or the fault */
  readonly health: string;
}

/**
 * A real Kubernetes control plane (etcd, kube-apiserver, kube-controller-manager, kube-scheduler; no kubelet) with its
 * own ports, keys and data, on this machine or elsewhere. The programs come from scripts/kubernetes.sh; each dies with
 * the process that started it.
 */
export class KubernetesCluster {
  private readonly children = new Map<string, ChildProcess>();
  private readonly http: KubeHttp;
  private isKeptUp = false;

  private constructor(
    private readonly site: Site,
    private readonly programs: string,
    readonly release: KubernetesRelease,
    readonly port: number,
    ca: string,
  ) {
    this.http = new KubeHttp(port, ca, TOKEN, site.host);
  }

  /** Starts a cluster on this machine, with the project's CRDs applied and established. */
  static async start(): Promise<KubernetesCluster> {
    const cluster = await KubernetesCluster.startAt({
      folder: mkdtempSync('/var/tmp/fsb-kube-'),
      host: '127.0.0.1',
      names: ['127.0.0.1'],
      within: [],
      // only this machine reaches it, so it publishes no Endpoints of its own
      flags: ['--endpoint-reconciler-type=none', '--service-cluster-ip-range=10.0.0.0/24'],
      end: () => Promise.resolve(),
    });
    await cluster.orEnd(async () => {
      await cluster.kubectl('apply', ...cluster.release.apply, '-f', join(ROOT, 'k8s/crds'));
      await cluster.kubectl('wait', '--for=condition=Established', 'crd', '--all', `--timeout=${COMMAND_MS / 1000}s`);
    });
    return cluster;
  }

  static async startAt(site: Site): Promise<KubernetesCluster> {
    const { stdout } = await run(join(ROOT, 'scripts/kubernetes.sh'), { timeout: COMMAND_MS }).catch(
      (error: unknown) => {
        throw new Error('the programs of Kubernetes are not there; scripts/kubernetes.sh builds them', {
          cause: error,
        });
      },
    );
    const programs = stdout.trimEnd().split('\n').at(-1) ?? '';
    const port = await freePort();
    const ca = await writeControlPlaneFiles({ ...site, port, token: TOKEN });
    const cluster = new KubernetesCluster(site, programs, await releaseOf(programs), port, ca);
    await cluster.orEnd(() => cluster.launch());
    cluster.isKeptUp = true; // during the start an exit is an error, not a reason to restart
    return cluster;
  }

  /** Runs a step of the start. @throws Error with the tails of the programs' logs; the cluster has then been ended */
  async orEnd(start: () => Promise<void>): Promise<void> {
    try {
      await start();
    } catch (error) {
      const logs = this.tailOfLogs();
      await this.end();
      throw new Error(`the cluster did not start: ${String(error)}\n${logs}`, { cause: error });
    }
  }

  get kubeconfig(): string {
    return this.at('kubeconfig');
  }

  /** PEM files of the API server, for a proxy between it and its clients. */
  get tls(): { readonly ca: string; readonly cert: string; readonly key: string } {
    const pem = (name: string): string => readFileSync(this.at(name), 'utf8');
    return { ca: pem('ca.crt'), cert: pem('tls.crt'), key: pem('tls.key') };
  }

  /** Pid of the API server; undefined while it restarts. */
  get pid(): number | undefined {
    const { pid, exitCode, signalCode } = this.children.get('kube-apiserver') ?? {};
    return exitCode === null && signalCode === null ? pid : undefined;
  }

  ask(...request: Parameters<KubeHttp['ask']>): Promise<Reply> {
    return this.http.ask(...request);
  }

  watch(...request: Parameters<KubeHttp['watch']>): ReturnType<KubeHttp['watch']> {
    return this.http.watch(...request);
  }

  /** @throws with the output where kubectl fails */
  async kubectl(...args: string[]): Promise<string> {
    const all = ['--kubeconfig', this.kubeconfig, '--cache-dir', this.at('cache'), ...args];
    return (await run('kubectl', all, { timeout: COMMAND_MS })).stdout;
  }

  /**
   * Whether Pods can be created in a namespace, which needs the default ServiceAccount from kube-controller-manager.
   */
  async takesPods(namespace: string): Promise<boolean> {
    const spec = { containers: [{ name: 'any', image: 'any' }] };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'any' }, spec };
    return (await this.ask('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod)).status === 201;
  }

  /** The API server as a row of a stack's process table, in the place of our own. */
  async row(): Promise<ProcessRow> {
    const { pid } = this;
    const state = pid === undefined ? 'waiting' : 'running';
    const health = await this.ask('GET', '/readyz').then(
      ({ status, body }) => (status === 200 ? 'ok' : (body.message ?? String(status))),
      (error: unknown) => String(error),
    );
    return { name: 'apiserver', pid: pid ?? 0, state, health };
  }

  async end(): Promise<void> {
    this.isKeptUp = false;
    this.http.end();
    await this.site.end();
    // the data is removed, so no orderly shutdown
    for (const child of [...this.children.values()].reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    rmSync(this.site.folder, { recursive: true, force: true });
  }

  private async launch(): Promise<void> {
    const etcd = `http://${this.site.host}:${await freePort()}`;
    await this.startEtcd(etcd);
    this.startApiserver(etcd);
    await this.whenAlive('kube-apiserver', async () => (await this.ask('GET', '/readyz')).status === 200);
    await this.startControllers();
    await this.whenAlive('kube-controller-manager', () => this.takesPods('default'));
  }

  private async startEtcd(url: string): Promise<void> {
    const peer = `http://${this.site.host}:${await freePort()}`;
    this.startProgram('etcd', [
      ...['--name', 'one', '--data-dir', this.at('etcd'), '--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `one=${peer}`],
    ]);
    await this.whenAlive('etcd', async () => (await fetch(`${url}/health`, { signal: AbortSignal.timeout(5000) })).ok);
  }

  private startApiserver(etcd: string): void {
    const { host, flags } = this.site;
    const issuer = 'https://kubernetes.default.svc';
    this.startProgram('kube-apiserver', [
      ...[`--etcd-servers=${etcd}`, `--bind-address=${host}`, `--secure-port=${this.port}`],
      ...[`--advertise-address=${host}`, ...this.release.apiserver, ...flags],
      ...[`--client-ca-file=${this.at('ca.crt')}`, `--kubelet-client-certificate=${this.at('kubelet-client.crt')}`],
      `--kubelet-client-key=${this.at('kubelet-client.key')}`,
      ...[`--tls-cert-file=${this.at('tls.crt')}`, `--tls-private-key-file=${this.at('tls.key')}`],
      ...[`--token-auth-file=${this.at('tokens.csv')}`, '--authorization-mode=Node,RBAC', '--allow-privileged=true'],
      ...[`--service-account-issuer=${issuer}`, `--service-account-key-file=${this.at('sa.pub')}`],
      `--service-account-signing-key-file=${this.at('sa.key')}`,
    ]);
  }

  private async startControllers(): Promise<void> {
    const address = `--bind-address=${this.site.host}`;
    const common = [...this.release.controllers, `--kubeconfig=${this.kubeconfig}`, '--leader-elect=false', address];
    const secure = async (): Promise<string> => `--secure-port=${await freePort()}`;
    const keys = [`--root-ca-file=${this.at('ca.crt')}`, `--service-account-private-key-file=${this.at('sa.key')}`];
    this.startProgram('kube-controller-manager', [...common, await secure(), ...keys]);
    this.startProgram('kube-scheduler', [...common, await secure()]);
  }

  /** @param program a name from scripts/kubernetes.sh, or a path. It is restarted whenever it ends. */
  startProgram(program: string, args: readonly string[]): void {
    const log = openSync(this.at(`${basename(program)}.log`), 'a');
    const command = ['--pdeathsig', 'KILL', ...this.site.within, resolve(this.programs, program), ...args];
    const child = spawn('setpriv', command, { stdio: ['ignore', log, log], cwd: this.site.folder });
    closeSync(log);
    this.children.set(program, child);
    child.once('exit', () => {
      if (this.isKeptUp) setTimeout(() => this.isKeptUp && this.startProgram(program, args), RESTART_MS);
    });
  }

  private async whenAlive(program: string, check: () => Promise<boolean>): Promise<void> {
    const exited = (): boolean => {
      const { exitCode, signalCode } = this.children.get(program) ?? {};
      return (exitCode ?? signalCode ?? undefined) !== undefined;
    };
    await eventually(async () => exited() || (await check()), READY_MS, 200);
    if (exited()) throw new Error(`${program} has ended`);
  }

  private tailOfLogs(): string {
    const tail = (program: string): string => {
      const log = this.at(`${basename(program)}.log`);
      return existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n').slice(-LOG_LINES).join('\n') : '';
    };
    return [...this.children.keys()].map((program) => `--- ${program}\n${tail(program)}`).join('\n');
  }

  private at(name: string): string {
    return join(this.site.folder, name);
  }
}
