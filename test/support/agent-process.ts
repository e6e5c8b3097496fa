import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { type ReadableStream } from 'node:stream/web';
import { agentServerName } from '@fsb/agent-api/agent-endpoint';
import { type AgentSandboxStatus, type AgentStatus, type CreateSandboxResponse } from '@fsb/agent-api/agent-api';
import { AgentPki } from './agent-pki';
import { ContainerdProcess, removeCgroups } from './containerd-process';
import { eventually } from './eventually';
import { freePort } from './free-port';

const ROOT = resolve(__dirname, '../..');

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** HTTP connections of another caller; default: those of this process */
  readonly connections?: Agent;
}

export interface Surroundings {
  /** environment variables beside those of the test */
  readonly env?: Readonly<Record<string, string>>;
  /** PKI of an installation that also has other agents; default: a new one */
  readonly pki?: AgentPki | undefined;
  /**
   * Gives the network namespace a Pod address and returns it; the agent then runs inside it. Default: the host's, on
   * loopback.
   */
  readonly podNetwork?: (namespace: string) => string;
  /** The agent runs in a PID namespace of its own, as in a Pod. */
  readonly ownProcesses?: boolean;
  /** Size in MiB of a file system that only this containerd uses. */
  readonly diskMb?: number;
}

/** Start of a Node process on two busy cores. */
const START_MS = 45_000;
const CALL_MS = 55_000;
const LOG_CHARS = 4_000;
const OWN_PROCESSES = ['unshare', '--pid', '--fork', '--mount-proc', '--propagation', 'slave', '--'];

/** The built agent as a process, with its own containerd, network namespace and cgroups. */
export class AgentProcess {
  private child: ChildProcess | undefined;
  private readonly connections: Agent;

  private constructor(
    readonly containerd: ContainerdProcess,
    readonly port: number,
    /** name of the network namespace below /run/netns, and of the cgroup */
    readonly name: string,
    private readonly flags: Readonly<Record<string, string>>,
    private readonly more: {
      readonly env: Readonly<Record<string, string>>;
      readonly pki: AgentPki;
      readonly probePort: number;
      readonly podAddress?: string | undefined;
      readonly ownProcesses?: boolean | undefined;
    },
  ) {
    const { pki } = more;
    const { ca, cert, key } = pki.client.current;
    this.connections = new Agent({ keepAlive: true, ca, cert, key });
  }

  static async start(
    name: string,
    flags: Readonly<Record<string, string>> = {},
    more: Surroundings = {},
  ): Promise<AgentProcess> {
    const unique = `fsb-${name}-${process.pid}`;
    execFileSync('ip', ['netns', 'add', unique]);
    execFileSync('ip', ['-n', unique, 'link', 'set', 'lo', 'up']);
    const podAddress = more.podNetwork?.(unique);
    const containerd = await ContainerdProcess.start(more.diskMb);
    const pki = more.pki ?? (await AgentPki.make(join(containerd.folder, 'pki')));
    const ports = [await freePort(), await freePort()] as const;
    const agent = new AgentProcess(containerd, ports[0], unique, flags, {
      ...{ pki, probePort: ports[1], env: more.env ?? {}, podAddress },
      ownProcesses: more.ownProcesses,
    });
    try {
      await containerd.importBusybox();
      await agent.launch();
    } catch (error) {
      await agent.stop();
      throw error;
    }
    return agent;
  }

  get pki(): AgentPki {
    return this.more.pki;
  }

  /** Port of /readyz and /metrics. */
  get probePort(): number {
    return this.more.probePort;
  }

  /** Ports that no sandbox may get. */
  get ownPorts(): number[] {
    return [this.port, this.probePort];
  }

  get podUid(): string {
    return this.flags['pod-uid'] ?? 'uid-1';
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Host of the agent's API and probes. */
  private get host(): string {
    return this.more.podAddress ?? '127.0.0.1';
  }

  private get probeHost(): string {
    return this.more.podAddress === undefined ? '127.0.0.1' : '0.0.0.0'; // in a Pod: as the pool-controller sets it
  }

  get logText(): string {
    return join(this.containerd.folder, 'agent.out');
  }

  path(...names: string[]): string {
    return join(this.containerd.folder, ...names);
  }

  async launch(): Promise<void> {
    const { folder, socket } = this.containerd;
    const flags = {
      ...{ 'pod-name': 'agent-1', 'pod-uid': this.podUid, 'node-name': 'node', installation: 'test' },
      ...{ 'http-port': String(this.port), 'agent-capacity': '3', 'containerd-socket': socket, pull: 'false' },
      'registry-addresses': '127.0.0.0/8', // registries that tests start
      ...{
        'tls-dir': await this.pki.agentDir(this.podUid),
        'log-dir': join(folder, 'logs'),
        'run-dir': join(folder, 'run'),
      },
      ...{ 'network-namespace': `/run/netns/${this.name}`, 'cgroup-parent': `/${this.name}` },
      // no standby containers by default: many specs count containers; specs of warm starts set the flag themselves
      ...{ 'health-probe-bind-address': `${this.probeHost}:${this.probePort}`, 'metrics-bind-address': '127.0.0.1:0' },
      'warm-containers': '0',
      ...this.flags,
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const out = openSync(this.logText, 'a');
    const main = join(ROOT, 'dist/apps/node-agent/src/main.js');
    const env = { ...process.env, ...this.more.env };
    const enter = this.more.podAddress === undefined ? [] : ['nsenter', `--net=/run/netns/${this.name}`, '--'];
    const alone = this.more.ownProcesses ? OWN_PROCESSES : [];
    const [program = '', ...rest] = [...enter, ...alone, process.execPath, main, ...args];
    this.child = spawn(program, rest, { stdio: ['ignore', out, out], env });
    closeSync(out);
    await eventually(() => this.ready(), START_MS).catch((error: unknown) => {
      throw new Error(`the agent is not ready: ${readFileSync(this.logText, 'utf8').slice(-LOG_CHARS)}`, {
        cause: error,
      });
    });
  }

  async ready(): Promise<boolean> {
    return (await fetch(`http://${this.host}:${this.probePort}/readyz`, { signal: AbortSignal.timeout(5_000) })).ok;
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    this.child = undefined;
    if (child?.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = once(child, 'exit');
    process.kill(this.more.ownProcesses ? childOf(child.pid ?? 0) : (child.pid ?? 0), signal);
    return ((await exited) as [number | null])[0];
  }

  async stop(): Promise<void> {
    this.connections.destroy();
    await this.end('SIGTERM');
    await this.containerd.stop();
    removeCgroups(this.name);
    execFileSync('ip', ['netns', 'delete', this.name]);
  }

  /** Sends a request as the agent's callers do. The response body is a stream; `signal` cuts it. */
  fetch(path: string, call: Call = {}): Promise<Response> {
    const { method = 'GET', headers = {}, body, signal, connections = this.connections } = call;
    const options = {
      ...{ host: this.host, port: this.port, path: `/api/v1/agent/${path}`, method, headers, agent: connections },
      servername: agentServerName(this.podUid),
      ...(signal ? { signal } : {}),
    };
    return new Promise((resolve, reject) => {
      const outgoing = request(options, (incoming) => {
        incoming.on('error', () => undefined); // the reader of the body gets it
        const { statusCode = 0, headers: said } = incoming;
        const stream = Readable.toWeb(incoming) as ReadableStream<Uint8Array>; // the same, in Node's types
        resolve(new Response(stream, { status: statusCode, headers: said as Record<string, string> }));
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        // keep-alive race: the agent may have closed the idle connection while this request reuses it
        if (outgoing.reusedSocket && error.code === 'ECONNRESET') resolve(this.fetch(path, call));
        else reject(error);
      });
      outgoing.end(body);
    });
  }

  post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<Answer<T>> {
    return this.send(path, JSON.stringify(body), signal);
  }

  async send<T>(path: string, text: string, signal?: AbortSignal): Promise<Answer<T>> {
    const headers = { 'content-type': 'application/json' };
    const timeout = AbortSignal.timeout(CALL_MS);
    const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
    const response = await this.fetch(path, { method: 'POST', headers, body: text, signal: either });
    return { status: response.status, body: (await response.json()) as T };
  }

  create(sandboxId: string, more: object = {}, signal?: AbortSignal): Promise<Answer<CreateSandboxResponse>> {
    const plain = { sandboxId, claimUid: '', claimName: sandboxId, image: 'busybox', command: ['/bin/sleep', '100'] };
    return this.post('create', { sandbox: { ...plain, ...more } }, signal);
  }

  async status(): Promise<AgentStatus> {
    return (await (await this.fetch('status', { signal: AbortSignal.timeout(CALL_MS) })).json()) as AgentStatus;
  }

  async of(id: string): Promise<AgentSandboxStatus | undefined> {
    return (await this.status()).sandboxStatuses.find(({ sandboxId }) => sandboxId === id);
  }

  /**
   * Waits for the exit, then for the end of the followed log: the exit is reported before the shim has copied the last
   * output.
   */
  async ended(id: string, withinMs = 20_000): Promise<AgentSandboxStatus> {
    const ended = await eventually(async () => {
      const found = await this.of(id);
      return found?.exitCode === undefined ? false : found;
    }, withinMs);
    await (await this.fetch(`logs?sandboxId=${id}&follow=true`)).text();
    return ended;
  }

  /** Lines of the status watch, appended as they arrive, until `signal` aborts. */
  async events(signal: AbortSignal): Promise<string[]> {
    const lines: string[] = [];
    const response = await this.fetch('status?watch=true', { signal });
    const read = async (): Promise<void> => {
      const texts = response.body?.pipeThrough(new TextDecoderStream()) ?? [];
      for await (const text of texts) lines.push(...text.split('\n'));
    };
    void read().catch(() => undefined); // the signal ends it
    return lines;
  }
}

/** Pid of the forked program: unshare(1) waits for it and does not forward signals. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
}
