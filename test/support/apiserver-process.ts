import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { buildSync } from 'esbuild';
import { stringify } from 'yaml';
import { eventually } from './eventually';
import { freePort } from './free-port';
import { makeCa, makeServerCertificate } from '../../apps/standalone/src/supervisor/certificates';
import { type Json } from '../../apps/standalone/src/apiserver/kube-object';

const ROOT = resolve(__dirname, '../..');
const BUNDLE = join(ROOT, 'node_modules/.cache/apiserver-test/server.js');
const ENTRY = `import { runApiserver } from './main-apiserver'; void runApiserver(process.argv.slice(2));`;
const COMMAND_MS = 30_000;
export const ADMIN = 'admin-token-for-the-test';
export const VIEWER = 'viewer-token-for-the-test';

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  // the shape is what the tests are about
  readonly body: Json & { metadata?: Json; items?: Json[]; message?: string; reason?: string };
}

/** The API server from these sources, as a process of its own with its own CA, port and data. */
export class ApiserverProcess {
  private readonly agent: Agent;
  private child: ChildProcess | undefined;

  private constructor(
    readonly folder: string,
    readonly port: number,
    ca: string,
  ) {
    this.agent = new Agent({ ca, keepAlive: true });
  }

  static async start(): Promise<ApiserverProcess> {
    const resolveDir = join(ROOT, 'apps/standalone/src/apiserver');
    const target = { platform: 'node', target: 'node20', packages: 'external', outfile: BUNDLE } as const;
    buildSync({ ...target, bundle: true, stdin: { contents: ENTRY, resolveDir, loader: 'ts' }, absWorkingDir: ROOT });
    const folder = mkdtempSync(join(tmpdir(), 'fsb-apiserver-'));
    const ca = await makeCa();
    const { cert, key } = await makeServerCertificate(ca, ['127.0.0.1']);
    const tokens = [
      { token: ADMIN, user: 'admin', role: 'admin' },
      { token: VIEWER, user: 'viewer', role: 'viewer' },
    ];
    const files = { 'ca.crt': ca.cert, 'tls.crt': cert, 'tls.key': key, 'tokens.json': JSON.stringify(tokens) };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    const process_ = new ApiserverProcess(folder, await freePort(), ca.cert);
    writeFileSync(join(folder, 'kubeconfig'), stringify(process_.kubeconfig()));
    await process_.launch();
    return process_;
  }

  async launch(): Promise<void> {
    const at = (name: string): string => join(this.folder, name);
    const log = openSync(at('server.log'), 'a');
    const args = ['--bind-address', `127.0.0.1:${this.port}`, '--db', at('db'), '--pod-log-dir', at('pods')];
    args.push('--tls-cert-file', at('tls.crt'), '--tls-key-file', at('tls.key'), '--token-file', at('tokens.json'));
    args.push('--crds', join(ROOT, 'k8s/crds'));
    this.child = spawn('node', [BUNDLE, ...args], { stdio: ['ignore', log, log], cwd: ROOT });
    closeSync(log);
    await eventually(async () => (await this.ask('GET', '/readyz')).status === 200, COMMAND_MS);
  }

  /** As a crash or the kernel would. */
  async kill(): Promise<void> {
    await this.signal('SIGKILL');
  }

  /** @returns its exit code */
  async terminate(): Promise<number | null> {
    return this.signal('SIGTERM');
  }

  async end(): Promise<void> {
    this.agent.destroy();
    if (this.child?.exitCode === null) await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
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

  /** @param stdin what `-f -` reads */
  kubectl(program: string, args: readonly string[], stdin = '', env: NodeJS.ProcessEnv = {}): Promise<Answer> {
    const options = { timeout: COMMAND_MS, env: { ...process.env, ...env } };
    return new Promise((done) => {
      const child = execFile(program, this.kubectlArgs(args), options, (error, stdout, stderr) => {
        done({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
      });
      child.stdin?.end(stdin);
    });
  }

  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const response = await this.open(method, path, body, headers);
    const content = await text(response);
    const isJson = response.headers['content-type']?.startsWith('application/json') === true;
    const parsed = isJson ? (JSON.parse(content) as Reply['body']) : { message: content };
    return { status: response.statusCode ?? 0, headers: response.headers, body: parsed };
  }

  /** The lines of a watch as they come; destroying the response ends it. */
  async watch(path: string): Promise<{ events: Json[]; response: IncomingMessage }> {
    const response = await this.open('GET', path, undefined, {});
    const events: Json[] = [];
    createInterface(response).on('line', (line) => events.push(JSON.parse(line) as Json));
    return { events, response };
  }

  private open(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<IncomingMessage> {
    return new Promise((done, failed) => {
      const content = body === undefined || typeof body === 'string' ? (body ?? '') : JSON.stringify(body);
      const all = {
        authorization: `Bearer ${ADMIN}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(content), // Node leaves a DELETE's body without any
        ...headers,
      };
      const { agent, port } = this;
      const call = request({ host: '127.0.0.1', port, path, method, agent, headers: all, timeout: COMMAND_MS }, done);
      call.on('error', failed);
      call.end(content);
    });
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
