/**
 * An allocator's belief about its agents, pure and synchronous. The registry proposes and the agent decides, so a wrong
 * belief does no harm. Agents are indexed by pool, image, free slots and crowded ports: a choice is never a scan.
 */
import { AgentSandboxes, holdsTheSame, type Ports, type SandboxEntry } from './agent-sandboxes';
import { PoolIndex } from './pool-index';

export type { SandboxEntry };

export interface AgentInfo {
  /** unique among all agents */
  readonly id: string;
  readonly namespace: string;
  readonly pool: string;
  readonly capacity: number;
  readonly images: readonly string[];
  /** images with a standby container there */
  readonly waiting?: readonly string[];
  /** false: known, but not to be chosen (draining, or not in sync) */
  readonly schedulable: boolean;
}
export interface Candidate {
  readonly namespace: string;
  readonly pool: string;
  readonly image: string;
  readonly ports: readonly number[];
  readonly exclude: ReadonlySet<string>;
}
const RESERVED = 'reserved';
const CONFIRMED = 'confirmed';

/** Free room of an agent at the time of its refusal. */
export interface FreeRoom {
  readonly slots: number;
  readonly usedPorts: readonly number[];
}

interface Agent {
  info: AgentInfo;
  readonly sandboxes: AgentSandboxes;
  free: number;
  /** room taken beyond the sandboxes known here; valid until the agent's next report */
  hidden?: { readonly slots: number; readonly ports: readonly number[] } | undefined;
}
export class Registry {
  private readonly agents = new Map<string, Agent>();
  private readonly pools = new Map<string, PoolIndex>();
  private readonly byName = new Map<string, Map<string, string>>();

  constructor(private readonly random: () => number = Math.random) {}

  upsertAgent(info: AgentInfo): void {
    const agent = this.agents.get(info.id) ?? { info, sandboxes: new AgentSandboxes(), free: 0 };
    this.agents.set(info.id, agent);
    this.change(agent, () => {
      agent.info = info;
    });
  }

  removeAgent(id: string): void {
    const agent = this.agents.get(id);
    if (!agent) return;
    this.hide(agent.info);
    for (const entry of agent.sandboxes.list()) this.forget(entry);
    this.agents.delete(id);
  }

  /** Replaces the sandboxes of an agent by its snapshot. Reservations stay. */
  replaceSandboxes(id: string, entries: readonly SandboxEntry[]): void {
    const agent = this.agents.get(id);
    if (!agent) return;
    this.change(agent, () => {
      agent.hidden = undefined;
      for (const old of agent.sandboxes.list()) if (old.phase !== RESERVED) this.drop(agent, old.sandboxId);
      for (const entry of entries) this.put(agent, entry);
    });
  }

  setSandbox(id: string, entry: SandboxEntry): void {
    const agent = this.agents.get(id);
    if (!agent) return;
    const known = agent.sandboxes.get(entry.sandboxId);
    // the report of our own reservation: the agent's place in the index stays
    if (known && !agent.hidden && holdsTheSame(known, entry)) this.put(agent, entry);
    else
      this.change(agent, () => {
        agent.hidden = undefined;
        this.put(agent, entry);
      });
  }

  removeSandbox(id: string, sandboxId: string): void {
    const agent = this.agents.get(id);
    if (agent)
      this.change(agent, () => {
        agent.hidden = undefined;
        this.drop(agent, sandboxId);
      });
  }

  /** Reserves a slot and ports for a create in flight. @returns false if the agent is unknown or has no free slot */
  reserve(id: string, entry: Omit<SandboxEntry, 'phase'>): boolean {
    const agent = this.agents.get(id);
    if (!agent || agent.free < 1) return false;
    this.change(agent, () => {
      this.put(agent, { ...entry, phase: RESERVED });
    });
    return true;
  }

  /** Marks a reservation that the agent has admitted. From now on, a snapshot without the sandbox drops it. */
  confirm(id: string, sandboxId: string): void {
    const agent = this.agents.get(id);
    const entry = agent?.sandboxes.get(sandboxId);
    if (agent && entry?.phase === RESERVED) agent.sandboxes.set({ ...entry, phase: CONFIRMED });
  }

  /** Drops a reservation, unless it was confirmed or reported meanwhile. */
  release(id: string, sandboxId: string): void {
    const agent = this.agents.get(id);
    if (agent?.sandboxes.get(sandboxId)?.phase !== RESERVED) return;
    this.change(agent, () => {
      this.drop(agent, sandboxId);
    });
  }

  /** Corrects the belief by an agent's refusal. Holds until the agent's next report. */
  applyRefusal(id: string, { slots, usedPorts }: FreeRoom): void {
    const agent = this.agents.get(id);
    if (!agent) return;
    this.change(agent, () => {
      agent.hidden = { slots: Math.max(0, agent.info.capacity - agent.sandboxes.held - slots), ports: usedPorts };
    });
  }

  /** Marks that an agent has reported all changes: drops the correction, and confirmed sandboxes it has not named. */
  settleReports(id: string): void {
    const agent = this.agents.get(id);
    if (!agent) return;
    const ended = agent.sandboxes.list().filter(({ phase }) => phase === CONFIRMED);
    if (!agent.hidden && ended.length === 0) return;
    this.change(agent, () => {
      agent.hidden = undefined;
      for (const { sandboxId } of ended) this.drop(agent, sandboxId);
    });
  }

  /**
   * The least loaded agent with a standby container of the image, else with the image, else any; ties at random.
   * @returns the agent's id; undefined if none fits
   */
  choose({ namespace, pool, ...wish }: Candidate): string | undefined {
    return this.pools.get(poolKey({ namespace, pool }))?.choose(wish);
  }

  entry(id: string, sandboxId: string): SandboxEntry | undefined {
    return this.agents.get(id)?.sandboxes.get(sandboxId);
  }

  find(namespace: string, name: string): { agentId: string; sandbox: SandboxEntry } | undefined {
    for (const [sandboxId, agentId] of this.byName.get(`${namespace}/${name}`) ?? []) {
      const sandbox = this.agents.get(agentId)?.sandboxes.get(sandboxId);
      if (sandbox) return { agentId, sandbox };
    }
    return undefined;
  }

  freeSlots(id: string): number | undefined {
    return this.agents.get(id)?.free;
  }

  private change(agent: Agent, work: () => void): void {
    this.hide(agent.info);
    work();
    const { info, hidden, sandboxes } = agent;
    agent.free = Math.max(0, info.capacity - sandboxes.held - (hidden?.slots ?? 0));
    if (info.schedulable && agent.free > 0) this.show(agent);
  }

  private show(agent: Agent): void {
    const { info, free } = agent;
    const pool = this.pools.get(poolKey(info)) ?? new PoolIndex(this.random);
    this.pools.set(poolKey(info), pool);
    const { id, images, waiting = [] } = info;
    pool.add({ id, images, waiting, free, ports: portsOf(agent) });
  }

  private hide(info: AgentInfo): void {
    const pool = this.pools.get(poolKey(info));
    pool?.delete(info.id);
    if (pool?.size === 0) this.pools.delete(poolKey(info));
  }

  private put(agent: Agent, entry: SandboxEntry): void {
    this.drop(agent, entry.sandboxId);
    agent.sandboxes.set(entry);
    const key = `${entry.namespace}/${entry.name}`;
    const named = this.byName.get(key) ?? new Map<string, string>();
    this.byName.set(key, named.set(entry.sandboxId, agent.info.id));
  }

  private drop(agent: Agent, sandboxId: string): void {
    const entry = agent.sandboxes.get(sandboxId);
    if (!entry) return;
    agent.sandboxes.delete(sandboxId);
    this.forget(entry);
  }

  private forget({ namespace, name, sandboxId }: SandboxEntry): void {
    const named = this.byName.get(`${namespace}/${name}`);
    named?.delete(sandboxId);
    if (named?.size === 0) this.byName.delete(`${namespace}/${name}`);
  }
}

function portsOf({ sandboxes, hidden }: Agent): Ports {
  return hidden ? new Set([...sandboxes.ports, ...hidden.ports]) : sandboxes.ports;
}

function poolKey({ namespace, pool }: Pick<AgentInfo, 'namespace' | 'pool'>): string {
  return `${namespace}/${pool}`;
}
