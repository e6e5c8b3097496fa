import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  type ChannelCredentials,
  type Client,
  credentials,
  Metadata,
  status as Code,
  type StatusObject,
} from '@grpc/grpc-js';
import { FastPathServiceClient } from '@fsb/api/gen/fastpath/v1/fastpath';
import { SandboxLogServiceClient } from '@fsb/api/gen/fastpath/v1/logs';
import { type Sandbox } from '@fsb/api/sandbox';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient, loadKubeConfig } from '@fsb/controller-runtime/kube-client';
import { AgentPool } from '../../../../test/support/agent-pool';
import { AgentProcess } from '../../../../test/support/agent-process';
import { ADMIN, ApiserverProcess } from '../../../../test/support/apiserver-process';
import { eventually } from '../../../../test/support/eventually';
import { freePort } from '../../../../test/support/free-port';
import { Gate, tlsOf } from '../../../../test/support/gate';
import { type MemoryCgroup } from '../../../../test/support/memory-cgroup';
import { type Unary } from '../../../../test/support/gateway-client';
import { tokenCredentials } from '../../../../test/support/gateway-credentials';

const ROOT = resolve(__dirname, '../../../..');
const POD = { namespace: 'default', name: 'agent-1' };
export const SLOTS = 3;

export interface CallOutcome<A> {
  readonly code: string;
  readonly message: string;
  readonly answer: A | undefined;
  readonly trailers: Readonly<Record<string, string>>;
}

/** Makes a call whose outcome is a value, errors included: the name of the status, the answer and the trailers. */
export function call<Q, A>(method: Unary<Q, A>, request: Q, deadlineMs = 10_000): Promise<CallOutcome<A>> {
  return new Promise((done) => {
    let answer: A | undefined;
    const running = method(request, new Metadata(), { deadline: Date.now() + deadlineMs }, (_error, value) => {
      answer = value;
    });
    running.on('status', ({ code, details, metadata }: StatusObject) => {
      const trailers = Object.fromEntries(
        Object.entries(metadata.getMap()).map(([key, value]) => [key, String(value)]),
      );
      // after the callback, which grpc-js calls in the same turn
      setImmediate(() => {
        done({ code: Code[code], message: details, answer, trailers });
      });
    });
  });
}

/** A method of a client whose definition was loaded at run time. @throws Error when there is none of that name */
export function methodOf<Q, A>(client: Client, name: string): Unary<Q, A> {
  const method = (client as unknown as Record<string, Unary<Q, A>>)[name];
  if (!method) throw new Error(`no method ${name}`);
  return method.bind(client);
}

type SceneParts = Pick<GatewayScene, 'api' | 'kube' | 'agent' | 'pool' | 'endpoint' | 'env'>;

/** A gateway process with a real API server, a real agent in a pool of one, and the sandbox-controller. */
export class GatewayScene {
  readonly sandboxes: FastPathServiceClient;
  readonly logs: SandboxLogServiceClient;
  /** credentials of the cluster's admin */
  readonly credentials: ChannelCredentials;
  private readonly clients: Client[] = [];

  readonly api: ApiserverProcess;
  readonly kube: KubeClient;
  readonly agent: AgentProcess;
  readonly pool: AgentPool;
  readonly endpoint: string;
  /** variables of its processes, besides those of the test */
  readonly env: Readonly<Record<string, string>>;
  private readonly gates: Gate[] = [];
  private readonly children = new Map<string, ChildProcess>();
  /** probe address of each process, by its name */
  private readonly probes = new Map<string, string>();

  private constructor({ api, kube, agent, pool, endpoint, env }: SceneParts) {
    this.api = api;
    this.kube = kube;
    this.agent = agent;
    this.pool = pool;
    this.endpoint = endpoint;
    this.env = env;
    this.credentials = tokenCredentials(readFileSync(join(api.folder, 'ca.crt')), ADMIN);
    this.sandboxes = new FastPathServiceClient(endpoint, this.credentials);
    this.logs = new SandboxLogServiceClient(endpoint, this.credentials);
  }

  /**
   * Starts all processes and waits until they are ready.
   * @param env variables of the processes
   * @param agentFlags flags that override those of a plain agent
   */
  static async start(
    name: string,
    env: Readonly<Record<string, string>> = {},
    agentFlags: Readonly<Record<string, string>> = {},
  ): Promise<GatewayScene> {
    const api = await ApiserverProcess.start();
    const kube = new KubeClient(loadKubeConfig(join(api.folder, 'kubeconfig')));
    const capacity = { poolMax: 1 };
    const pool = await AgentPool.make(kube, 'pool', { capacity, maxSandboxesPerPod: SLOTS });
    await AgentPool.make(kube, 'empty', { capacity, maxSandboxesPerPod: SLOTS });
    await AgentPool.make(kube, 'strict', { capacity, maxSandboxesPerPod: SLOTS, allowedRegistries: ['ghcr.io'] });
    const uid = await pool.addPod(POD.name);
    const flags = { 'pod-uid': uid, 'agent-capacity': String(SLOTS), ...agentFlags };
    const agent = await AgentProcess.start(name, flags, { env });
    const scene = new GatewayScene({ api, kube, agent, pool, env, endpoint: `127.0.0.1:${await freePort()}` });
    await scene.setPodIp('127.0.0.1');
    await Promise.all([
      scene.launch('fastpath-gateway', { 'grpc-bind-address': scene.endpoint }),
      scene.launch('sandbox-controller', { 'leader-elect': 'false' }),
    ]);
    return scene;
  }

  /** Sets the agent's address. One where nothing listens takes the agent out of sync. */
  async setPodIp(podIP: string): Promise<void> {
    await this.pool.setAddress(POD.name, podIP);
  }

  /** Ends a process by SIGTERM. @returns its exit code */
  async end(app: string): Promise<number | null> {
    const child = this.children.get(app);
    this.children.delete(app);
    if (!child || hasEnded(child)) return child?.exitCode ?? null;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    return ((await exited) as [number | null])[0];
  }

  async stop(): Promise<void> {
    for (const client of [this.sandboxes, this.logs, ...this.clients]) client.close();
    for (const app of [...this.children.keys()]) await this.end(app);
    for (const gate of this.gates) await gate.close();
    await this.kube.close();
    await this.agent.stop();
    await this.api.end();
  }

  logOf(app: string): string {
    return readFileSync(this.agent.path(`${app}.out`), 'utf8');
  }

  async metrics(name: string): Promise<string> {
    return (await fetch(`http://${this.probes.get(name) ?? ''}/metrics`)).text();
  }

  object(name: string): Promise<Sandbox> {
    return this.kube.get(SANDBOX_KIND, { namespace: 'default', name });
  }

  /** What exists: names of objects and ids of containers. */
  async left(): Promise<string[]> {
    const { items } = await this.kube.list(SANDBOX_KIND);
    const { sandboxStatuses } = await this.agent.status();
    return [...items.map(({ metadata }) => metadata.name ?? ''), ...sandboxStatuses.map(({ sandboxId }) => sandboxId)];
  }

  /** Ends a process by SIGKILL. */
  async kill(name: string): Promise<void> {
    const child = this.children.get(name);
    this.children.delete(name);
    // a controller that lost its lease has exited by itself
    if (!child || hasEnded(child)) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  pidOf(name: string): number {
    return this.children.get(name)?.pid ?? 0;
  }

  /** Launches one more gateway. */
  async replica(name: string, flags: Readonly<Record<string, string>> = {}): Promise<FastPathServiceClient> {
    const endpoint = `127.0.0.1:${await freePort()}`;
    await this.launch('fastpath-gateway', { 'grpc-bind-address': endpoint, ...flags }, name);
    const client = new FastPathServiceClient(endpoint, this.credentials);
    this.clients.push(client);
    return client;
  }

  /** Launches one more gateway, with the wire of the Go predecessor. */
  async plaintext(name: string): Promise<FastPathServiceClient> {
    const endpoint = `127.0.0.1:${await freePort()}`;
    const noTls = { 'tls-cert-file': undefined, 'tls-key-file': undefined, 'client-ca-file': undefined };
    await this.launch(
      'fastpath-gateway',
      { 'grpc-bind-address': endpoint, ...noTls, 'insecure-plaintext': 'true' },
      name,
    );
    const client = new FastPathServiceClient(endpoint, credentials.createInsecure());
    this.clients.push(client);
    return client;
  }

  /** Launches one more gateway, which reaches the API server through a gate of its own. */
  async gated(
    name: string,
    flags: Readonly<Record<string, string>> = {},
  ): Promise<{ client: FastPathServiceClient; api: Gate }> {
    const { folder, port } = this.api;
    const api = await Gate.open({ target: port, tls: tlsOf(folder) });
    this.gates.push(api);
    const kubeconfig = join(folder, `kubeconfig-${name}`);
    writeFileSync(kubeconfig, readFileSync(join(folder, 'kubeconfig'), 'utf8').replace(`:${port}`, `:${api.port}`));
    return { client: await this.replica(name, { kubeconfig, ...flags }), api };
  }

  /** Launches one more gateway, which reaches API server and agent through gates of its own. */
  async between(name: string): Promise<{ client: FastPathServiceClient; api: Gate; agent: Gate }> {
    const { cert, key } = await this.agent.pki.agent(this.agent.podUid);
    const tls = { server: { cert, key }, client: this.agent.pki.client.current };
    const agent = await Gate.open({ target: this.agent.port, tls });
    this.gates.push(agent);
    return { ...(await this.gated(name, { 'agent-port': String(agent.port) })), agent };
  }

  /** TLS flags with the API server's certificate, which is for this machine. */
  private get gatewayTls(): Readonly<Record<string, string>> {
    const at = (file: string): string => join(this.api.folder, file);
    return { 'tls-cert-file': at('tls.crt'), 'tls-key-file': at('tls.key'), 'client-ca-file': at('ca.crt') };
  }

  /**
   * Launches a process and waits until it is ready.
   * @param name key of the process for `end`, `kill` and `logOf`
   * @param cgroup cgroup in which the process starts
   */
  async launch(
    app: string,
    flags: Readonly<Record<string, string | undefined>>,
    name = app,
    cgroup?: MemoryCgroup,
  ): Promise<void> {
    const probes = `127.0.0.1:${await freePort()}`;
    this.probes.set(name, probes);
    const all: Record<string, string | undefined> = {
      kubeconfig: join(this.api.folder, 'kubeconfig'),
      'agent-port': String(this.agent.port),
      'agent-tls-dir': this.agent.pki.clientDir,
      'health-probe-bind-address': probes,
      'metrics-bind-address': probes,
      ...(app === 'fastpath-gateway' ? this.gatewayTls : {}),
      ...flags,
    };
    const args = Object.entries(all).flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag}=${value}`]));
    const out = openSync(this.agent.path(`${name}.out`), 'a');
    const main = join(ROOT, `dist/apps/${app}/src/main.js`);
    const env = { ...process.env, ...this.env };
    const enter = cgroup ? ['sh', '-c', 'echo $$ > "$0" && exec "$@"', cgroup.procs] : [];
    const [program = '', ...rest] = [...enter, 'node', main, ...args];
    const child = spawn(program, rest, { stdio: ['ignore', out, out], env });
    closeSync(out);
    this.children.set(name, child);
    await eventually(async () => (await fetch(`http://${probes}/readyz`)).ok, 90_000);
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
