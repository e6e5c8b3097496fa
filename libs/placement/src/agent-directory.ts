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
import { entryOf, isOwn, isSaidBy } from './reported-status';

/** An agent as its Pod and its status stream show it. */
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
  /** What is known of its sandboxes is current. */
  readonly inSync: boolean;
  readonly draining: boolean;
  /** 0 before its first report */
  readonly capacity: number;
  /** The Pod is being deleted. */
  readonly terminating: boolean;
}

export interface ReportedSandbox {
  readonly agent: AgentView;
  readonly sandbox: AgentSandboxStatus;
}

/** Normalised image names. */
export interface AgentImages {
  readonly pool: string;
  readonly images: readonly string[];
  /** those with a container that waits for a sandbox */
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
  /** counts what agents are not believed */
  readonly refused: Pick<RefusedReports, 'foreign'>;
}

/** An agent that is silent must not keep a process that starts from serving the others. */
const FIRST_WORD_MS = 2_000;

/** Follows every agent Pod and, through one stream each, what it runs; keeps the registry in step. */
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

  /** Takes what the informer knows already. */
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

  /** Images of each agent of a pool, or of every pool of the namespace where `pool` is empty. */
  *imagesOf(namespace: string, pool: string): Generator<AgentImages> {
    for (const { view, images, waiting } of this.agents.values()) {
      if (view.namespace !== namespace || (pool !== '' && view.pool !== pool)) continue;
      yield { pool: view.pool, images, warm: waiting };
    }
  }

  /** How many agents of a pool are on their way: Pods without an address, and agents that have not said anything yet. */
  startingIn(namespace: string, pool: string): number {
    return this.starting.countOf(namespace, pool) + this.agentsOf(namespace, pool).filter(isStarting).length;
  }

  /** Every agent whose Pod is in that namespace. */
  agentsIn(namespace: string): AgentView[] {
    return [...this.agents.values()].flatMap(({ view }) => (view.namespace === namespace ? [view] : []));
  }

  /** The last that the agent said; it may be old where the agent is not in sync. */
  report(agentId: string, sandboxId: string): AgentSandboxStatus | undefined {
    return this.reported.get(agentId, sandboxId);
  }

  *reports(): Generator<ReportedSandbox> {
    for (const { agentId, sandbox } of this.reported.all()) {
      const agent = this.agent(agentId);
      if (agent) yield { agent, sandbox };
    }
  }

  /** Those that nobody has told of an object. */
  *unbound(): Generator<ReportedSandbox> {
    for (const { agentId, sandbox } of this.reported.unbound()) {
      const agent = this.agent(agentId);
      if (agent) yield { agent, sandbox };
    }
  }

  /** Containers that claim this name, running or ended; after a race of two replicas more than one. */
  findByName(namespace: string, name: string): ReportedSandbox[] {
    return this.reported.named(namespace, name).flatMap(({ agentId, sandbox }) => {
      const agent = this.agent(agentId);
      return agent ? [{ agent, sandbox }] : [];
    });
  }

  /** Each change of a sandbox on an agent. Must be quick and must not throw. */
  onReport(listener: (change: ReportChange) => void): void {
    this.reported.onChange(listener);
  }

  /** An agent appeared, came in or out of sync, began to drain, or is gone. */
  onAgent(listener: (agentId: string) => void): void {
    this.agentListeners.push(listener);
  }

  /** Every agent Pod that can have sandboxes (of that namespace) has a current stream: what is not reported is not there. */
  isInSync(namespace?: string): boolean {
    if (!this.pods.hasSynced) return false;
    for (const { view } of this.agents.values()) {
      if ((namespace === undefined || view.namespace === namespace) && !view.inSync) return false;
    }
    return true;
  }

  /** Each agent has told what it has, or had its chance to: what is not known by then may be anywhere or nowhere. */
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

  /** @throws where another agent answers at this address: the stream then connects again */
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
        this.registry.reported(id);
        break;
    }
  }

  private takeSnapshot(id: string, status: AgentStatus): void {
    const { capacity, draining = false, images, waiting = [], sandboxStatuses } = status;
    const view = this.agents.get(id)?.view;
    if (!view || !isSaidBy(view, status)) {
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
    if (isOwn(id, sandbox)) return true;
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

/** It has an address and has not told its capacity. */
export function isStarting({ capacity, inSync, terminating }: AgentView): boolean {
  return capacity === 0 && !inSync && !terminating;
}
