import { Logger } from '@nestjs/common';
import { type AgentEvent, type AgentSandboxStatus, type AgentStatus } from '@fsb/agent-api/agent-api';
import { type AgentClient } from '@fsb/agent-api/agent-client';
import { AgentStatusStream } from '@fsb/agent-api/status-stream';
import { type Registry } from '@fsb/registry/registry';
import { type AgentPod } from './agent-pod';
import { AgentReports, type ReportChange } from './agent-reports';
import { BelievedPods, type PodSources } from './believed-pods';
import { type RefusedReports } from './refused-reports';
import { StartingPods } from './starting-pods';
import { entryOf, isInOwnNamespace, isFromPod } from './reported-status';

/** An agent, by its Pod and its status stream. */
export interface AgentView {
  /** `namespace/name` of its Pod */
  readonly id: string;
  readonly namespace: string;
  /** its Pod's name */
  readonly name: string;
  readonly pool: string;
  readonly nodeName: string;
  /** the Pod's IP */
  readonly address: string;
  readonly podUid: string;
  /** whether its status stream is current: what it does not report is not there */
  readonly inSync: boolean;
  readonly draining: boolean;
  /** 0 before its first report */
  readonly capacity: number;
  /** whether its Pod is being deleted */
  readonly terminating: boolean;
}

export interface ReportedSandbox {
  readonly agent: AgentView;
  readonly sandbox: AgentSandboxStatus;
}

/** Images on one agent, by normalised names. */
export interface AgentImages {
  readonly pool: string;
  readonly images: readonly string[];
  /** images with a standby container */
  readonly warm: readonly string[];
}

interface Agent {
  view: AgentView;
  images: readonly string[];
  waiting: readonly string[];
  readonly stream: AgentStatusStream;
}

export interface AgentDirectoryOptions extends PodSources {
  readonly registry: Registry;
  readonly client: AgentClient;
  /** counts reports that are not believed */
  readonly refused: Pick<RefusedReports, 'foreign'>;
}

/** Time that a starting process gives each agent for its first snapshot. A silent agent must not delay the others. */
const FIRST_WORD_MS = 2_000;

/** Watches the agent Pods, follows the status of each agent through one stream, and keeps the registry up to date. */
export class AgentDirectory {
  private readonly logger = new Logger(AgentDirectory.name);
  private readonly agents = new Map<string, Agent>();
  private readonly pools = new Map<string, Set<string>>();
  private readonly starting = new StartingPods();
  private readonly reported = new AgentReports();
  private readonly pods: BelievedPods;
  private readonly agentListeners: ((agentId: string) => void)[] = [];
  private startedAt: number | undefined;
  private stopped = false;
  readonly registry: Registry;

  constructor(private readonly options: AgentDirectoryOptions) {
    this.registry = options.registry;
    this.pods = new BelievedPods(options, (id, pod) => {
      this.follow(id, pod);
    });
  }

  /** Begins with the Pods that the informer has already. */
  start(): void {
    this.startedAt = performance.now();
    this.pods.start();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.agents.values()].map(({ stream }) => stream.stop()));
  }

  agent(id: string): AgentView | undefined {
    return this.agents.get(id)?.view;
  }

  agentsOf(namespace: string, pool: string): AgentView[] {
    const ids = this.pools.get(`${namespace}/${pool}`) ?? [];
    return [...ids].flatMap((id) => this.agent(id) ?? []);
  }

  /** Images of each agent of a pool. @param pool empty: every pool of the namespace */
  *imagesOf(namespace: string, pool: string): Generator<AgentImages> {
    for (const { view, images, waiting } of this.agents.values()) {
      if (view.namespace !== namespace || (pool !== '' && view.pool !== pool)) continue;
      yield { pool: view.pool, images, warm: waiting };
    }
  }

  /** Number of starting agents of a pool: Pods without an address, and agents without a first report. */
  startingIn(namespace: string, pool: string): number {
    return this.starting.countOf(namespace, pool) + this.agentsOf(namespace, pool).filter(isStarting).length;
  }

  /** Every agent whose Pod is in that namespace. */
  agentsIn(namespace: string): AgentView[] {
    return [...this.agents.values()].flatMap(({ view }) => (view.namespace === namespace ? [view] : []));
  }

  /** The agent's last report of a sandbox; outdated while the agent is not in sync. */
  report(agentId: string, sandboxId: string): AgentSandboxStatus | undefined {
    return this.reported.get(agentId, sandboxId);
  }

  *reports(): Generator<ReportedSandbox> {
    for (const { agentId, sandbox } of this.reported.all()) {
      const agent = this.agent(agentId);
      if (agent) yield { agent, sandbox };
    }
  }

  /** The unbound sandboxes. */
  *unbound(): Generator<ReportedSandbox> {
    for (const { agentId, sandbox } of this.reported.unbound()) {
      const agent = this.agent(agentId);
      if (agent) yield { agent, sandbox };
    }
  }

  /** Containers that claim a name, running or ended; more than one after a race of two replicas. */
  findByName(namespace: string, name: string): ReportedSandbox[] {
    return this.reported.named(namespace, name).flatMap(({ agentId, sandbox }) => {
      const agent = this.agent(agentId);
      return agent ? [{ agent, sandbox }] : [];
    });
  }

  /** @param listener called at each change of a sandbox on an agent; must be fast and must not throw */
  onReport(listener: (change: ReportChange) => void): void {
    this.reported.onChange(listener);
  }

  /** @param listener called when an agent appears, changes (in sync, draining, images …) or is gone */
  onAgent(listener: (agentId: string) => void): void {
    this.agentListeners.push(listener);
  }

  /**
   * Whether every agent that can have sandboxes is in sync: a sandbox that is not reported does not exist.
   * @param namespace absent: all namespaces
   */
  isInSync(namespace?: string): boolean {
    if (!this.pods.hasSynced) return false;
    for (const { view } of this.agents.values()) {
      if ((namespace === undefined || view.namespace === namespace) && !view.inSync) return false;
    }
    return true;
  }

  /** Whether each agent is in sync, has failed to connect, or has had two seconds since the start. */
  get isSettled(): boolean {
    if (this.startedAt === undefined) return false;
    if (performance.now() - this.startedAt > FIRST_WORD_MS) return true;
    return [...this.agents.values()].every(({ view, stream }) => view.inSync || stream.hasFailed);
  }

  private follow(id: string, pod: AgentPod | undefined): void {
    const known = this.agents.get(id);
    const address = pod?.address;
    if (this.starting.changed(id, pod)) this.tellAgent(id);
    if (pod === undefined || address === undefined || this.stopped) {
      if (known) this.drop(id, known);
      return;
    }
    if (known?.view.address === address && known.view.podUid === pod.uid) {
      this.change(id, { terminating: pod.terminating });
      return;
    }
    if (known) this.drop(id, known);
    this.add(pod, address);
  }

  private add(pod: AgentPod, address: string): void {
    const { id, namespace, name, pool, nodeName, terminating } = pod;
    const stream = new AgentStatusStream({
      client: this.options.client,
      agent: { address, podUid: pod.uid },
      onEvent: (event) => {
        if (this.agents.get(id)?.stream === stream) this.take(id, event);
      },
      onSync: (inSync) => {
        if (this.agents.get(id)?.stream === stream) this.change(id, { inSync });
      },
    });
    const view = { id, namespace, name, pool, nodeName, address, podUid: pod.uid, terminating };
    this.agents.set(id, {
      view: { ...view, inSync: false, draining: false, capacity: 0 },
      images: [],
      waiting: [],
      stream,
    });
    const siblings = this.pools.get(`${namespace}/${pool}`) ?? new Set<string>();
    this.pools.set(`${namespace}/${pool}`, siblings.add(id));
    this.change(id, {});
    stream.start();
  }

  private drop(id: string, { view, stream }: Agent): void {
    this.agents.delete(id);
    const pool = `${view.namespace}/${view.pool}`;
    this.pools.get(pool)?.delete(id);
    if (this.pools.get(pool)?.size === 0) this.pools.delete(pool);
    void stream.stop();
    this.registry.removeAgent(id);
    this.reported.removeAgent(id);
    this.tellAgent(id);
  }

  /** @throws Error if another agent answers at this address; the stream then reconnects */
  private take(id: string, event: AgentEvent): void {
    switch (event.type) {
      case 'snapshot':
        this.takeSnapshot(id, event.status);
        break;
      case 'sandbox':
        if (!this.isBelieved(id, event.sandbox)) break;
        this.registry.setSandbox(id, entryOf(this.registry, id, event.sandbox));
        this.reported.set(id, event.sandbox);
        break;
      case 'removed':
        this.registry.removeSandbox(id, event.sandboxId);
        this.reported.remove(id, event.sandboxId);
        break;
      case 'images':
        this.change(id, {}, { images: event.images });
        break;
      case 'waiting':
        this.change(id, {}, { waiting: event.images });
        break;
      case 'draining':
        this.change(id, { draining: event.draining });
        break;
      case 'heartbeat':
        this.registry.settleReports(id);
        break;
    }
  }

  private takeSnapshot(id: string, status: AgentStatus): void {
    const { capacity, draining = false, images, waiting = [], sandboxStatuses } = status;
    const view = this.agents.get(id)?.view;
    if (!view || !isFromPod(view, status)) {
      this.logger.warn({ msg: 'another agent answers at this address', agent: id, other: status.agentId });
      throw new Error(`agent ${id}: another one answers at its address`);
    }
    this.change(id, { capacity, draining }, { images: images ?? [], waiting });
    const sandboxes = sandboxStatuses.filter((sandbox) => this.isBelieved(id, sandbox));
    this.registry.replaceSandboxes(
      id,
      sandboxes.map((sandbox) => entryOf(this.registry, id, sandbox)),
    );
    this.reported.replace(id, sandboxes);
  }

  private isBelieved(id: string, sandbox: AgentSandboxStatus): boolean {
    if (isInOwnNamespace(id, sandbox)) return true;
    this.options.refused.foreign(id, sandbox);
    return false;
  }

  private change(
    id: string,
    change: Partial<AgentView>,
    content: Partial<Pick<Agent, 'images' | 'waiting'>> = {},
  ): void {
    const agent = this.agents.get(id);
    if (!agent) return;
    agent.view = { ...agent.view, ...change };
    Object.assign(agent, content);
    const { namespace, pool, capacity, inSync, draining, terminating } = agent.view;
    const schedulable = inSync && !draining && !terminating;
    const { images, waiting } = agent;
    this.registry.upsertAgent({ id, namespace, pool, capacity, images, waiting, schedulable });
    this.tellAgent(id);
  }

  private tellAgent(id: string): void {
    for (const listener of this.agentListeners) listener(id);
  }
}

/** Whether an agent has an address, but no report yet. */
export function isStarting({ capacity, inSync, terminating }: AgentView): boolean {
  return capacity === 0 && !inSync && !terminating;
}
