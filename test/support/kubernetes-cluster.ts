import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { makeCa, makeServerCertificate } from '@fsb/pki/certificates';
import { eventually } from './eventually';
import { freePort } from './free-port';
import { KubeHttp, type Reply } from './kube-http';

const run = promisify(execFile);
const ROOT = resolve(__dirname, '../..');
/** A first start on two busy cores. */
const READY_MS = 120_000;
const COMMAND_MS = 60_000;
const LOG_LINES = 15;
/** After a program was killed, as a kubelet would start it again. */
const RESTART_MS = 500;
const HOST = '127.0.0.1';
const TOKEN = 'admin-token-for-the-test';

export interface ProcessRow {
  readonly name: string;
  readonly pid: number;
  readonly state: string;
  /** `ok`, or what is wrong */
  readonly health: string;
}

/**
 * A real Kubernetes control plane (etcd, kube-apiserver, kube-controller-manager, kube-scheduler; no kubelet) with ports,
 * keys and data of its own. The programs are those of scripts/kubernetes.sh; each dies with the process that started it.
 */
export class KubernetesCluster {
  private readonly children = new Map<string, ChildProcess>();
  private readonly http: KubeHttp;
  private isKeptUp = false;

  private constructor(
    private readonly folder: string,
    private readonly programs: string,
    readonly port: number,
    ca: string,
  ) {
    this.http = new KubeHttp(port, ca, TOKEN);
  }

  /** With the project's CRDs applied and served. */
  static async start(): Promise<KubernetesCluster> {
    const { stdout } = await run(join(ROOT, 'scripts/kubernetes.sh'), { timeout: COMMAND_MS }).catch(
      (error: unknown) => {
        throw new Error('the programs of Kubernetes are not there; scripts/kubernetes.sh builds them', {
          cause: error,
        });
      },
    );
    const programs = stdout.trimEnd().split('\n').at(-1) ?? '';
    const folder = mkdtempSync('/var/tmp/fsb-kube-');
    const ca = await makeCa();
    const cluster = new KubernetesCluster(folder, programs, await freePort(), ca.cert);
    cluster.writeFiles(ca.cert, await makeServerCertificate(ca, [HOST]));
    try {
      await cluster.launch();
      cluster.isKeptUp = true; // before that, a program that ends has a mistake to tell
    } catch (error) {
      const logs = cluster.tailOfLogs();
      await cluster.end();
      throw new Error(`the cluster did not start: ${String(error)}\n${logs}`, { cause: error });
    }
    return cluster;
  }

  get kubeconfig(): string {
    return join(this.folder, 'kubeconfig');
  }

  /** The API server's, in PEM: for whoever stands between it and its clients. */
  get tls(): { readonly ca: string; readonly cert: string; readonly key: string } {
    const pem = (name: string): string => readFileSync(this.at(name), 'utf8');
    return { ca: pem('ca.crt'), cert: pem('tls.crt'), key: pem('tls.key') };
  }

  /** Of the API server; undefined while it is being started again. */
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

  /** The API server's, as that of our own stands among a stack's processes. */
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
    // nothing of it is kept: no need for an end in order
    for (const child of [...this.children.values()].reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async launch(): Promise<void> {
    const etcd = `http://${HOST}:${await freePort()}`;
    await this.startEtcd(etcd);
    this.startApiserver(etcd);
    await this.whenAlive('kube-apiserver', async () => (await this.ask('GET', '/readyz')).status === 200);
    await this.startControllers();
    await this.kubectl('apply', '-f', join(ROOT, 'k8s/crds'));
    await this.kubectl('wait', '--for=condition=Established', 'crd', '--all', `--timeout=${COMMAND_MS / 1000}s`);
    // Pods are refused before controller-manager has made it
    const account = '/api/v1/namespaces/default/serviceaccounts/default';
    await this.whenAlive('kube-controller-manager', async () => {
      const { status, body } = await this.ask('GET', account);
      return status === 200 && Array.isArray(body['secrets']);
    });
  }

  private async startEtcd(url: string): Promise<void> {
    const peer = `http://${HOST}:${await freePort()}`;
    this.spawn('etcd', [
      ...['--name', 'one', '--data-dir', this.at('etcd'), '--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `one=${peer}`],
    ]);
    await this.whenAlive('etcd', async () => (await fetch(`${url}/health`, { signal: AbortSignal.timeout(5000) })).ok);
  }

  private startApiserver(etcd: string): void {
    const issuer = 'https://kubernetes.default.svc';
    this.spawn('kube-apiserver', [
      ...[`--etcd-servers=${etcd}`, `--bind-address=${HOST}`, `--secure-port=${this.port}`, '--insecure-port=0'],
      // nobody reaches it but from here: no Endpoints of its own
      ...[`--advertise-address=${HOST}`, '--endpoint-reconciler-type=none', '--service-cluster-ip-range=10.0.0.0/24'],
      ...[`--tls-cert-file=${this.at('tls.crt')}`, `--tls-private-key-file=${this.at('tls.key')}`],
      ...[`--token-auth-file=${this.at('tokens.csv')}`, '--authorization-mode=Node,RBAC', '--allow-privileged=true'],
      ...[`--service-account-issuer=${issuer}`, `--service-account-key-file=${this.at('sa.pub')}`],
      `--service-account-signing-key-file=${this.at('sa.key')}`,
    ]);
  }

  private async startControllers(): Promise<void> {
    const common = [`--kubeconfig=${this.kubeconfig}`, '--leader-elect=false', '--port=0', `--bind-address=${HOST}`];
    const secure = async (): Promise<string> => `--secure-port=${await freePort()}`;
    const keys = [`--root-ca-file=${this.at('ca.crt')}`, `--service-account-private-key-file=${this.at('sa.key')}`];
    this.spawn('kube-controller-manager', [...common, await secure(), ...keys]);
    this.spawn('kube-scheduler', [...common, await secure()]);
  }

  private writeFiles(ca: string, server: { cert: string; key: string }): void {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const cluster = { server: `https://${HOST}:${this.port}`, 'certificate-authority': this.at('ca.crt') };
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'real', cluster }],
      users: [{ name: 'admin', user: { token: TOKEN } }],
      contexts: [{ name: 'real', context: { cluster: 'real', user: 'admin', namespace: 'default' } }],
      'current-context': 'real',
    };
    const files = {
      'ca.crt': ca,
      'tls.crt': server.cert,
      'tls.key': server.key,
      'sa.pub': publicKey,
      'sa.key': privateKey,
    };
    const tokens = `${TOKEN},admin,admin,"system:masters"\n`;
    for (const [name, content] of Object.entries({
      ...files,
      'tokens.csv': tokens,
      kubeconfig: stringify(kubeconfig),
    })) {
      writeFileSync(this.at(name), content, { mode: 0o600 });
    }
  }

  private spawn(program: string, args: readonly string[]): void {
    const log = openSync(this.at(`${program}.log`), 'a');
    const command = ['--pdeathsig', 'KILL', join(this.programs, program), ...args];
    const child = spawn('setpriv', command, { stdio: ['ignore', log, log], cwd: this.folder });
    closeSync(log);
    this.children.set(program, child);
    child.once('exit', () => {
      if (this.isKeptUp) setTimeout(() => this.isKeptUp && this.spawn(program, args), RESTART_MS);
    });
  }

  private async whenAlive(program: string, check: () => Promise<boolean>): Promise<void> {
    const exited = (): boolean => (this.children.get(program)?.exitCode ?? null) !== null;
    await eventually(async () => exited() || (await check()), READY_MS, 200);
    if (exited()) throw new Error(`${program} has ended`);
  }

  private tailOfLogs(): string {
    const tail = (program: string): string => {
      const log = this.at(`${program}.log`);
      return existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n').slice(-LOG_LINES).join('\n') : '';
    };
    return [...this.children.keys()].map((program) => `--- ${program}\n${tail(program)}`).join('\n');
  }

  private at(name: string): string {
    return join(this.folder, name);
  }
}
