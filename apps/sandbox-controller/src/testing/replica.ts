import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { eventually } from '../../../../test/support/eventually';
import { freePort } from '../../../../test/support/free-port';
import { type AgentPki } from '../../../../test/support/agent-pki';
import { type Asked, Gate, tlsOf } from '../../../../test/support/gate';

const ROOT = resolve(__dirname, '../../../..');
const MAIN = join(ROOT, 'dist/apps/sandbox-controller/src/main.js');
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

export interface ReplicaOptions {
  readonly name: string;
  /** the API server's, with its kubeconfig and certificates */
  readonly folder: string;
  readonly apiPort: number;
  /** the agents'; undefined: no agents */
  readonly pki: AgentPki | undefined;
  /** the port behind each agent's address */
  readonly agents: ReadonlyMap<string, number>;
  readonly orphanTimeout: string;
}

/** The built controller as a process, with gates of its own before the API server and each agent. */
export class Replica {
  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
    readonly api: Gate,
    /** by the agent's address */
    readonly agents: ReadonlyMap<string, Gate>,
  ) {}

  static async start(options: ReplicaOptions): Promise<Replica> {
    const { name, folder, apiPort } = options;
    const api = await Gate.open({ target: apiPort, tls: tlsOf(folder) });
    const agents = await openGates(options.agents, options.pki);
    const kubeconfig = join(folder, `kubeconfig-${name}`);
    const original = readFileSync(join(folder, 'kubeconfig'), 'utf8');
    writeFileSync(kubeconfig, original.replace(`:${apiPort}`, `:${api.port}`));
    const probes = `127.0.0.1:${await freePort()}`;
    const [first] = agents.values();
    const flags = {
      ...{ kubeconfig, 'agent-port': String(first?.port ?? 0), 'agent-tls-dir': options.pki?.clientDir ?? '' },
      ...{ 'metrics-bind-address': probes, 'health-probe-bind-address': probes },
      'fastpath-orphan-timeout': options.orphanTimeout,
    };
    const out = openSync(join(folder, `${name}.log`), 'a');
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    const child = spawn('node', [MAIN, ...args], { stdio: ['ignore', out, out] });
    closeSync(out);
    await eventually(async () => (await fetch(`http://${probes}/readyz`)).ok, 30_000);
    return new Replica(name, child, api, agents);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Its requests that change anything, except Leases and Events, as `METHOD /path`. */
  changes(): string[] {
    const gates = [this.api, ...this.agents.values()];
    return gates.flatMap(({ asked }) => asked.filter(isChange).map(({ method, path }) => `${method} ${path}`));
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Waits for its exit. @returns its exit code; null if a signal ended it */
  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  /** Sends a signal and waits for the exit. @returns as {@link ended} */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    const code = await this.ended();
    for (const gate of [this.api, ...this.agents.values()]) await gate.close();
    return code;
  }
}

/** Opens a gate for each agent, all on one port, since there is one flag; their addresses differ. */
async function openGates(agents: ReadonlyMap<string, number>, pki: AgentPki | undefined): Promise<Map<string, Gate>> {
  const gates = new Map<string, Gate>();
  if (!pki) return gates;
  const tls = { server: await pki.agent('*'), client: pki.client.current };
  let port = 0;
  for (const [host, target] of agents) {
    const gate = await Gate.open({ host, port, target, tls });
    port = gate.port;
    gates.set(host, gate);
  }
  return gates;
}

function isChange({ method, path }: Asked): boolean {
  return !READS.has(method) && !path.includes('/leases') && !path.includes('/events');
}
