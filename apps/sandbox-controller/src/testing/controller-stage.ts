import { join } from 'node:path';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { CREATE_TIMESTAMP_ANNOTATION, CREATED_BY_FASTPATH, CREATED_BY_LABEL } from '@fsb/api/labels';
import { API_VERSION, type Sandbox, type SandboxSpec } from '@fsb/api/sandbox';
import { fastSandboxId } from '@fsb/api/sandbox-id';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type TlsSource } from '@fsb/component-base/tls-folder';
import { EVENT_KIND, LEASE_KIND, type Pod, POD_KIND, POOL_KIND, SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient, loadKubeConfig } from '@fsb/controller-runtime/kube-client';
import { TemplateSigner } from '@fsb/placement/vouched-template';
import { AgentProcess } from '../../../../test/support/agent-process';
import { ApiserverProcess } from '../../../../test/support/apiserver-process';
import { eventually } from '../../../../test/support/eventually';
import { Replica } from './replica';

export const NAMESPACE = 'default';
/** PID 1 ignores signals without a handler: without the trap each end takes the grace period of 10 s. */
export const SLEEP = ['/bin/sh', '-c', 'trap "exit 0" TERM; sleep 1000 & wait'];
const LEASE = { namespace: 'kube-system', name: 'sandbox-controller' };
const NANOS = 1777000000123456789n;

export interface StagedAgent {
  readonly name: string;
  readonly address: string;
  readonly process: AgentProcess;
}

/** Processes: an API server, agents with a containerd each, and replicas of the controller. */
export class ControllerStage {
  readonly agents = new Map<string, StagedAgent>();
  readonly replicas: Replica[] = [];
  private count = 0;

  private constructor(
    readonly server: ApiserverProcess,
    readonly client: KubeClient,
    private readonly orphanTimeout: string,
  ) {}

  static async start(orphanTimeout: string): Promise<ControllerStage> {
    const server = await ApiserverProcess.start();
    const client = new KubeClient(loadKubeConfig(join(server.folder, 'kubeconfig')));
    const pool: SandboxPool = {
      ...{ apiVersion: API_VERSION, kind: 'SandboxPool', spec: {} },
      metadata: { name: 'pool', namespace: NAMESPACE },
    };
    await client.create(POOL_KIND, pool);
    return new ControllerStage(server, client, orphanTimeout);
  }

  async stop(): Promise<void> {
    for (const replica of this.replicas) await replica.end('SIGKILL');
    const ends = [...this.agents.values()].map(({ process }) => process.stop());
    const failed = (await Promise.allSettled(ends)).find(({ status }) => status === 'rejected');
    await this.server.end();
    if (failed?.status === 'rejected') throw failed.reason;
  }

  /** Starts an agent with a ready Pod, as pool-controller and kubelet would. Not to be called concurrently. */
  async addAgent(name: string, flags: Readonly<Record<string, string>> = {}): Promise<StagedAgent> {
    const pool = await this.client.get(POOL_KIND, { namespace: NAMESPACE, name: 'pool' });
    const owner = { apiVersion: API_VERSION, kind: 'SandboxPool', name: 'pool', uid: pool.metadata.uid ?? '' };
    const pod: Pod = {
      metadata: {
        ...{ name, namespace: NAMESPACE, labels: { app: 'sandbox-agent', 'fast-sandbox.io/pool': 'pool' } },
        ownerReferences: [{ ...owner, controller: true }],
      },
      spec: { nodeName: 'node', containers: [{ name: 'agent', image: 'fast-sandbox/node-agent' }] },
    };
    const { metadata } = await this.client.create(POD_KIND, pod);
    const own = { 'pod-name': name, 'pod-uid': metadata.uid ?? '', 'agent-capacity': '5' };
    const [first] = this.agents.values();
    const process = await AgentProcess.start(name, { ...own, ...flags }, { pki: first?.process.pki });
    const agent = { name, address: `127.0.0.${this.agents.size + 2}`, process };
    this.agents.set(name, agent);
    await this.setPodReady(name, 'True');
    return agent;
  }

  async setPodReady(name: string, status: 'True' | 'False'): Promise<void> {
    const podIP = this.agents.get(name)?.address ?? '';
    const running = { phase: 'Running', podIP, conditions: [{ type: 'Ready', status }] };
    await this.client.patchStatus(POD_KIND, { namespace: NAMESPACE, name }, { status: running });
  }

  async addReplica(): Promise<Replica> {
    const agents = [...this.agents.values()];
    const replica = await Replica.start({
      ...{ name: `replica-${++this.count}`, folder: this.server.folder, apiPort: this.server.port },
      pki: agents[0]?.process.pki,
      agents: new Map(agents.map(({ address, process }) => [address, process.port])),
      orphanTimeout: this.orphanTimeout,
    });
    this.replicas.push(replica);
    return replica;
  }

  /** Waits until a replica other than `except` holds the Lease. */
  leader(except?: Replica): Promise<Replica> {
    return eventually(async () => {
      const { spec } = await this.client.get(LEASE_KIND, LEASE);
      const pid = spec?.holderIdentity?.split('_').at(-2);
      return this.replicas.find((replica) => replica !== except && String(replica.pid) === pid) ?? false;
    }, 30_000);
  }

  create(name: string, spec: Partial<SandboxSpec> = {}): Promise<Sandbox> {
    return this.client.create(SANDBOX_KIND, {
      ...{ apiVersion: API_VERSION, kind: 'Sandbox', metadata: { name, namespace: NAMESPACE } },
      spec: { image: 'busybox', poolRef: 'pool', command: SLEEP, ...spec },
    });
  }

  get(name: string): Promise<Sandbox> {
    return this.client.get(SANDBOX_KIND, { namespace: NAMESPACE, name });
  }

  change(name: string, spec: Partial<Record<keyof SandboxSpec, unknown>>): Promise<Sandbox> {
    return this.client.patch(SANDBOX_KIND, { namespace: NAMESPACE, name }, { spec });
  }

  remove(name: string): Promise<void> {
    return this.client.delete(SANDBOX_KIND, { namespace: NAMESPACE, name });
  }

  /** Waits until the Sandbox's status matches `wanted`. */
  reaches(name: string, wanted: Sandbox['status'], withinMs = 20_000): Promise<Sandbox> {
    return eventually(async () => {
      const sandbox = await this.get(name);
      expect(sandbox.status).toMatchObject(wanted ?? {});
      return sandbox;
    }, withinMs);
  }

  async isGone(name: string): Promise<boolean> {
    return this.get(name).then(
      () => false,
      () => true,
    );
  }

  async end(...names: string[]): Promise<void> {
    for (const name of names) await this.remove(name);
    for (const name of names) await eventually(() => this.isGone(name), 20_000);
  }

  /** All containers that claim the name, on any agent. */
  async containers(name: string): Promise<AgentSandboxStatus[]> {
    const all = await Promise.all([...this.agents.values()].map(({ process }) => process.status()));
    return all.flatMap(({ sandboxStatuses }) => sandboxStatuses.filter(({ claimName }) => claimName === name));
  }

  async events(name: string): Promise<string[]> {
    const { items } = await this.client.list(EVENT_KIND, { namespace: NAMESPACE });
    return items.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason }) => reason);
  }
}

/** Create request of a container whose gateway dies before it writes the object. @param gateway its identity */
export function unbound(
  name: string,
  gateway: TlsSource,
  spec: Partial<SandboxSpec> = {},
): { id: string; request: object } {
  const metadata = {
    labels: { [CREATED_BY_LABEL]: CREATED_BY_FASTPATH },
    annotations: { [CREATE_TIMESTAMP_ANNOTATION]: String(NANOS) },
  };
  const template = { metadata, spec: { image: 'busybox', poolRef: 'pool', command: SLEEP, ...spec } };
  const id = fastSandboxId(name, NAMESPACE, NANOS);
  const vouch = new TemplateSigner(gateway).vouch({ namespace: NAMESPACE, name, sandboxId: id }, template);
  const object = { ...template, vouch };
  return {
    id,
    request: { claimName: name, claimUid: '', command: SLEEP, object },
  };
}
