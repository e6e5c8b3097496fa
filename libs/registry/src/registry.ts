/**
 * What an allocator knows of its agents: pure and synchronous. The agent decides, the registry proposes; it may be
 * wrong without harm. Agents are indexed by pool, image and free slots, so that a choice is no scan.
 */
import { RandomSet } from './random-set';

export interface SandboxEntry {
  readonly sandboxId: string;
  readonly namespace: string;
  readonly name: string;
  readonly ports: readonly number[];
  /** as the agent reports it; `reserved` before the agent has */
  readonly phase: string;
}
export interface AgentInfo {
  /** unique among all agents */
  readonly id: string;
  readonly namespace: string;
  readonly pool: string;
  readonly capacity: number;
  readonly images: readonly string[];
  /** draining, not in sync: known, but not to be chosen */
  readonly schedulable: boolean;
}
export interface Demand {
  readonly namespace: string;
  readonly pool: string;
  readonly image: string;
  readonly ports: readonly number[];
  readonly exclude: ReadonlySet<string>;
}
/** Phases of a sandbox that holds no slot any more. */
const ENDED: ReadonlySet<string> = new Set(['stopped', 'failed', 'terminated']);
const RESERVED = 'reserved';

/** What an agent that refused had left. */
export interface Remainder {
  readonly slots: number;
  readonly usedPorts: readonly number[];
}

interface Agent {
  info: AgentInfo;
  readonly sandboxes: Map<string, SandboxEntry>;
  free: number;
  /** What is taken besides the sandboxes known here, until the agent reports again. */
  hidden?: { readonly slots: number; readonly ports: readonly number[] } | undefined;
}
/** Agents by their free slots: index 0 is full. */
type Ranks = RandomSet<string>[];

export class Registry {
  private readonly agents = new Map<string, Agent>();
  private readonly ranks = new Map<string, Ranks>();
  private readonly byName = new Map<string, Map<string, string>>();

  constructor(private readonly random: () => number = Math.random) {}

  upsertAgent(info: AgentInfo): void {
    const agent = this.agents.get(info.id) ?? { info, sandboxes: new Map<string, SandboxEntry>(), free: 0 };
    this.agents.set(info.id, agent);
    this.change(agent, () => {
      agent.info = info;
    });
  }

  removeAgent(id: string): void {
    const agent = this.agents.get(id);
    if (!agent) return;
    this.unrank(agent);
    for (const entry of agent.sandboxes.values()) this.forget(entry);
    this.agents.delete(id);
  }

  /** All that an agent has; what is reserved on it stays reserved. */
  replaceSandboxes(id: string, entries: readonly SandboxEntry[]): void {
    const agent = this.agents.get(id);
    if (!agent) return;
    this.change(agent, () => {
      agent.hidden = undefined;
      for (const old of [...agent.sandboxes.values()]) if (old.phase !== RESERVED) this.drop(agent, old.sandboxId);
      for (const entry of entries) this.put(agent, entry);
    });
  }

  setSandbox(id: string, entry: SandboxEntry): void {
    const agent = this.agents.get(id);
    if (agent)
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

  /** False where the agent is gone or has no slot left. */
  reserve(id: string, entry: Omit<SandboxEntry, 'phase'>): boolean {
    const agent = this.agents.get(id);
    if (!agent || agent.free < 1) return false;
    this.change(agent, () => {
      this.put(agent, { ...entry, phase: RESERVED });
    });
    return true;
  }

  /** The agent said yes: from now on a snapshot without the sandbox ends it here too. */
  confirm(id: string, sandboxId: string): void {
    const agent = this.agents.get(id);
    const entry = agent?.sandboxes.get(sandboxId);
    if (agent && entry?.phase === RESERVED) agent.sandboxes.set(sandboxId, { ...entry, phase: 'running' });
  }

  /** Gives up a reservation; what the agent has reported meanwhile stays. */
  release(id: string, sandboxId: string): void {
    const agent = this.agents.get(id);
    if (agent?.sandboxes.get(sandboxId)?.phase !== RESERVED) return;
    this.change(agent, () => {
      this.drop(agent, sandboxId);
    });
  }

  /** A refusing agent knows better: what it says is taken holds until it reports again. */
  correct(id: string, { slots, usedPorts }: Remainder): void {
    const agent = this.agents.get(id);
    if (!agent) return;
    this.change(agent, () => {
      agent.hidden = { slots: Math.max(0, agent.info.capacity - heldBy(agent) - slots), ports: usedPorts };
    });
  }

  /** The least loaded agent that has the image, else the least loaded; ties at random. */
  choose(demand: Demand): string | undefined {
    const pool = poolKey(demand.namespace, demand.pool);
    return this.pick(`${pool}\n${demand.image}`, demand) ?? this.pick(pool, demand);
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

  private pick(key: string, { ports, exclude }: Demand): string | undefined {
    const ranks = this.ranks.get(key) ?? [];
    for (let free = ranks.length - 1; free > 0; free--) {
      for (const id of ranks[free]?.from(this.random) ?? []) {
        if (!exclude.has(id) && this.portsFree(id, ports)) return id;
      }
    }
    return undefined;
  }

  private portsFree(id: string, ports: readonly number[]): boolean {
    if (ports.length === 0) return true;
    const agent = this.agents.get(id);
    if (agent?.hidden?.ports.some((port) => ports.includes(port))) return false;
    const held = [...(agent?.sandboxes.values() ?? [])].filter(({ phase }) => !ENDED.has(phase));
    return !held.some((entry) => entry.ports.some((port) => ports.includes(port)));
  }

  private change(agent: Agent, work: () => void): void {
    this.unrank(agent);
    work();
    agent.free = Math.max(0, agent.info.capacity - heldBy(agent) - (agent.hidden?.slots ?? 0));
    if (agent.info.schedulable) for (const key of keysOf(agent.info)) this.rank(key, agent.free).add(agent.info.id);
  }

  private unrank({ info, free }: Agent): void {
    for (const key of keysOf(info)) {
      const ranks = this.ranks.get(key);
      ranks?.[free]?.delete(info.id);
      if (ranks?.every(({ size }) => size === 0)) this.ranks.delete(key);
    }
  }

  private rank(key: string, free: number): RandomSet<string> {
    const ranks = this.ranks.get(key) ?? [];
    this.ranks.set(key, ranks);
    while (ranks.length <= free) ranks.push(new RandomSet());
    return ranks[free] ?? new RandomSet();
  }

  private put(agent: Agent, entry: SandboxEntry): void {
    this.drop(agent, entry.sandboxId);
    agent.sandboxes.set(entry.sandboxId, entry);
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

function heldBy({ sandboxes }: Agent): number {
  let held = 0;
  for (const { phase } of sandboxes.values()) if (!ENDED.has(phase)) held++;
  return held;
}

function poolKey(namespace: string, pool: string): string {
  return `${namespace}/${pool}`;
}

function keysOf({ namespace, pool, images }: AgentInfo): string[] {
  const key = poolKey(namespace, pool);
  return [key, ...images.map((image) => `${key}\n${image}`)];
}
