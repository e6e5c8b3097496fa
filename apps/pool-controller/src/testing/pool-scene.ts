import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { join, resolve } from 'node:path';
import { AGENT_PATHS } from '@fsb/agent-api/agent-api';
import { type SandboxPool, type SandboxPoolSpec } from '@fsb/api/sandbox-pool';
import { type KubeEvent, EVENT_KIND, type Pod, POD_KIND, POOL_KIND, SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient, loadKubeConfig } from '@fsb/controller-runtime/kube-client';
import { AgentPki } from '../../../../test/support/agent-pki';
import { ApiserverProcess } from '../../../../test/support/apiserver-process';
import { eventually } from '../../../../test/support/eventually';
import { freePort } from '../../../../test/support/free-port';

const ROOT = resolve(__dirname, '../../../..');
const API = { apiVersion: 'sandbox.fast.io/v1alpha1' } as const;
const namespace = 'default';
const BUSY_MACHINE_MS = 90_000;
export const agentTemplate = (
  image = 'fast-sandbox/node-agent:latest',
): NonNullable<SandboxPoolSpec['agentTemplate']> => ({
  spec: { containers: [{ name: 'agent', image }] },
});

/** Pool-controller processes, a real API server, and one HTTPS server as every agent, by address in 127.0.0.0/8. */
export class PoolScene {
  /** slots in use by agent address; absent: the agent answers 503 */
  readonly allocated = new Map<string, number>();
  /** drain calls as `<address> true|false`, in order */
  readonly drains: string[] = [];
  private readonly children = new Map<string, ChildProcess>();
  private readonly probes = new Map<string, string>();

  private constructor(
    readonly api: ApiserverProcess,
    readonly kube: KubeClient,
    private readonly agents: Server,
    private readonly pki: AgentPki,
  ) {}

  static async start(): Promise<PoolScene> {
    const api = await ApiserverProcess.start();
    const pki = await AgentPki.make(join(api.folder, 'agent-pki'));
    const kube = new KubeClient(loadKubeConfig(join(api.folder, 'kubeconfig')), 'spec');
    const agents = createServer({ ...(await pki.agent('*')), requestCert: true });
    const scene = new PoolScene(api, kube, agents, pki);
    scene.serveAgents();
    agents.listen(0, '0.0.0.0');
    await once(agents, 'listening');
    return scene;
  }

  async stop(): Promise<void> {
    for (const name of [...this.children.keys()]) await this.kill(name, 'SIGKILL');
    await this.kube.close();
    await this.api.end();
    this.agents.closeAllConnections();
    this.agents.close();
  }

  async launch(name: string): Promise<void> {
    const probes = `127.0.0.1:${await freePort()}`;
    const flags = {
      kubeconfig: join(this.api.folder, 'kubeconfig'),
      'agent-ca-cert-file': join(this.pki.folder, 'ca.crt'),
      'agent-ca-key-file': join(this.pki.folder, 'ca.key'),
      'agent-port': String((this.agents.address() as { port: number }).port),
      'health-probe-bind-address': probes,
      'metrics-bind-address': probes,
    };
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    const out = openSync(join(this.api.folder, `${name}.out`), 'a');
    const main = join(ROOT, 'dist/apps/pool-controller/src/main.js');
    this.children.set(name, spawn('node', [main, ...args], { stdio: ['ignore', out, out] }));
    closeSync(out);
    this.probes.set(name, probes);
    await eventually(async () => (await fetch(`http://${probes}/readyz`)).ok, BUSY_MACHINE_MS);
  }

  async kill(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.children.get(name);
    this.children.delete(name);
    if (!child) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  /** Names of the replicas whose metrics report that they lead. */
  async leaders(): Promise<string[]> {
    const all = await Promise.all(
      [...this.children.keys()].map(async (name) => ({ name, text: await this.metrics(name) })),
    );
    return all.filter(({ text }) => /^leader_election_master_status\{.*\} 1$/m.test(text)).map(({ name }) => name);
  }

  async metrics(name: string): Promise<string> {
    return (await fetch(`http://${this.probes.get(name)}/metrics`)).text();
  }

  createPool(name: string, spec: SandboxPoolSpec): Promise<SandboxPool> {
    const pool = { ...API, kind: 'SandboxPool' as const, metadata: { name, namespace } };
    return this.kube.create(POOL_KIND, { ...pool, spec: { agentTemplate: agentTemplate(), ...spec } });
  }

  changePool(name: string, spec: SandboxPoolSpec): Promise<SandboxPool> {
    return this.kube.patch(POOL_KIND, { namespace, name }, { spec });
  }

  pool(name: string): Promise<SandboxPool> {
    return this.kube.get(POOL_KIND, { namespace, name });
  }

  async pods(pool: string): Promise<Pod[]> {
    return (await this.kube.list(POD_KIND, { namespace, labelSelector: `fast-sandbox.io/pool=${pool}` })).items;
  }

  podsBecome(pool: string, count: number, withinMs = BUSY_MACHINE_MS): Promise<Pod[]> {
    return eventually(async () => {
      const pods = await this.pods(pool);
      expect(pods.map(({ metadata }) => metadata.name)).toHaveLength(count);
      return pods;
    }, withinMs);
  }

  /** Makes a Pod running and ready, as its node would, and its agent answer. */
  async run(pod: Pod, address: string, restartCount = 0): Promise<void> {
    this.allocated.set(address, this.allocated.get(address) ?? 0);
    const conditions = [{ type: 'Ready', status: 'True' }];
    const containerStatuses = [{ name: 'agent', ready: true, restartCount }];
    await this.status(pod, { phase: 'Running', podIP: address, conditions, containerStatuses });
  }

  status({ metadata }: Pod, status: NonNullable<Pod['status']>): Promise<unknown> {
    return this.kube.patchStatus(POD_KIND, { namespace, name: metadata.name ?? '' }, { status });
  }

  async place(name: string, poolRef: string, assignedPod: string): Promise<void> {
    const metadata = { name, namespace };
    await this.kube.create(SANDBOX_KIND, { ...API, kind: 'Sandbox', metadata, spec: { image: 'i', poolRef } });
    await this.kube.patchStatus(SANDBOX_KIND, metadata, { status: { phase: 'Running', assignedPod } });
  }

  async events(reason: string): Promise<KubeEvent[]> {
    return (await this.kube.list(EVENT_KIND, { namespace })).items.filter((event) => event.reason === reason);
  }

  private serveAgents(): void {
    this.agents.on('request', (request, response) => {
      const address = request.socket.localAddress ?? '';
      const allocated = this.allocated.get(address);
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        if (allocated === undefined) return void response.writeHead(503).end('{}');
        const { draining = false } = body === '' ? {} : (JSON.parse(body) as { draining?: boolean });
        if (request.url === AGENT_PATHS.drain) this.drains.push(`${address} ${draining}`);
        return void response.end(JSON.stringify({ success: true, allocated }));
      });
    });
  }
}
