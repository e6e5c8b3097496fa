import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { eventually } from './eventually';
import { freePort } from './free-port';
import { KubeHttp, type Reply } from './kube-http';
import { makeCa, makeServerCertificate } from '@fsb/pki/certificates';
import { type Json } from '../../apps/standalone/src/apiserver/kube-object';

const ROOT = resolve(__dirname, '../..');
const STANDALONE = join(ROOT, 'dist/apps/standalone/src/main.js');
const COMMAND_MS = 30_000;
/** Start of a Node process on two busy cores. */
const START_MS = 90_000;
export const ADMIN = 'admin-token-for-the-test';
export const VIEWER = 'viewer-token-for-the-test';
/** Token of a tenant: full access to the sandboxes of namespace `default`, none elsewhere. */
export const TENANT = 'tenant-token-for-the-test';
export const OTHER_TENANT = 'other-tenant-token-for-the-test';

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Our API server as a process, with its own CA, port and data. */
export class ApiserverProcess {
  private readonly http: KubeHttp;
  private child: ChildProcess | undefined;

  private constructor(
    readonly folder: string,
    readonly port: number,
    ca: string,
    private readonly flags: readonly string[],
  ) {
    this.http = new KubeHttp(port, ca, ADMIN);
  }

  static async start(...flags: readonly string[]): Promise<ApiserverProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'fsb-apiserver-'));
    const ca = await makeCa();
    const { cert, key } = await makeServerCertificate(ca, ['127.0.0.1']);
    const tokens = [
      { token: ADMIN, user: 'admin', role: 'admin' },
      { token: VIEWER, user: 'viewer', role: 'viewer' },
      { token: TENANT, user: 'tenant', role: 'tenant', namespaces: ['default'] },
      { token: OTHER_TENANT, user: 'other-tenant', role: 'tenant', namespaces: ['elsewhere'] },
    ];
    const files = {
      'ca.crt': ca.cert,
      'ca.key': ca.key,
      'tls.crt': cert,
      'tls.key': key,
      'tokens.json': JSON.stringify(tokens),
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    const process_ = new ApiserverProcess(folder, await freePort(), ca.cert, flags);
    writeFileSync(join(folder, 'kubeconfig'), stringify(process_.kubeconfig()));
    await process_.launch().catch(async (error: unknown) => {
      const { log } = process_;
      await process_.end();
      throw new Error(`the API server does not start: ${log}`, { cause: error });
    });
    return process_;
  }

  async launch(): Promise<void> {
    const at = (name: string): string => join(this.folder, name);
    const log = openSync(at('server.log'), 'a');
    const args = ['--bind-address', `127.0.0.1:${this.port}`, '--db', at('db'), '--pod-log-dir', at('pods')];
    args.push('--tls-cert-file', at('tls.crt'), '--tls-key-file', at('tls.key'), '--token-file', at('tokens.json'));
    args.push('--crds', join(ROOT, 'k8s/crds'), '--audit-log-path', at('audit.log'), ...this.flags);
    this.child = spawn('node', [STANDALONE, 'apiserver', ...args], { stdio: ['ignore', log, log], cwd: ROOT });
    closeSync(log);
    await eventually(async () => (await this.ask('GET', '/readyz')).status === 200, START_MS);
  }

  /** Ends the process with SIGKILL, as a crash or the OOM killer would. */
  async kill(): Promise<void> {
    await this.signal('SIGKILL');
  }

  /** Ends the process with SIGTERM. @returns its exit code */
  async terminate(): Promise<number | null> {
    return this.signal('SIGTERM');
  }

  async end(): Promise<void> {
    this.http.end();
    if (this.child?.exitCode === null && this.child.signalCode === null) await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  get log(): string {
    return readFileSync(join(this.folder, 'server.log'), 'utf8');
  }

  writePodLog(uid: string, container: string, name: string, content: string): void {
    mkdirSync(join(this.folder, 'pods', uid, container), { recursive: true });
    writeFileSync(join(this.folder, 'pods', uid, container, name), content, { flag: 'a' });
  }

  kubectlArgs(args: readonly string[]): string[] {
    return ['--kubeconfig', join(this.folder, 'kubeconfig'), '--cache-dir', join(this.folder, 'cache'), ...args];
  }

  /** @param stdin input of `-f -` */
  kubectl(program: string, args: readonly string[], stdin = '', env: NodeJS.ProcessEnv = {}): Promise<Answer> {
    const options = { timeout: COMMAND_MS, env: { ...process.env, ...env } };
    return new Promise((done) => {
      const child = execFile(program, this.kubectlArgs(args), options, (error, stdout, stderr) => {
        done({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
      });
      child.stdin?.end(stdin);
    });
  }

  ask(...request: Parameters<KubeHttp['ask']>): Promise<Reply> {
    return this.http.ask(...request);
  }

  watch(...request: Parameters<KubeHttp['watch']>): ReturnType<KubeHttp['watch']> {
    return this.http.watch(...request);
  }

  private async signal(signal: NodeJS.Signals): Promise<number | null> {
    if (!this.child) throw new Error('not started');
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
    return this.child.exitCode;
  }

  private kubeconfig(): Json {
    const cluster = { server: `https://127.0.0.1:${this.port}`, 'certificate-authority': join(this.folder, 'ca.crt') };
    return {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'here', cluster }],
      users: [
        { name: 'admin', user: { token: ADMIN } },
        { name: 'viewer', user: { token: VIEWER } },
      ],
      contexts: ['admin', 'viewer'].map((user) => ({ name: user, context: { cluster: 'here', user } })),
      'current-context': 'admin',
    };
  }
}
