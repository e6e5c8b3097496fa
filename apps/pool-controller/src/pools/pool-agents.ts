import { type AgentPodView } from './agent-pod-view';
import { type CheckedCapacity } from './pool-capacity';
import { type PoolLoad } from './pool-load';

export interface PoolWorld {
  readonly capacity: CheckedCapacity;
  readonly demand: PoolLoad;
  /** unmet creates: each wants a slot and has no Sandbox */
  readonly unmet: number;
  /** number of unmet creates by port */
  readonly unmetPorts: ReadonlyMap<number, number>;
  readonly pods: readonly AgentPodView[];
  /** hash of the current template */
  readonly hash: string;
  /** Unix milliseconds */
  readonly now: number;
  /** age in milliseconds at which a failed Pod is replaced */
  readonly replaceAfterMs: number;
}

/** The agents of a pool, by their state. Groups overlap. */
export interface Agents {
  /** neither terminating nor finished */
  readonly live: readonly AgentPodView[];
  /** made from the current template */
  readonly fresh: readonly AgentPodView[];
  readonly outdated: readonly AgentPodView[];
  /** outdated and draining */
  readonly retired: readonly AgentPodView[];
  /** may get sandboxes, now or once ready */
  readonly takers: readonly AgentPodView[];
  /** failed, and not old enough to be replaced */
  readonly failing: readonly AgentPodView[];
}

export interface Scale {
  /** agents */
  readonly desired: number;
  /** takers above this number are surplus */
  readonly most: number;
}

export function groupAgents(
  { hash }: Pick<PoolWorld, 'hash'>,
  present: readonly AgentPodView[],
  failing: readonly AgentPodView[],
): Agents {
  const live = present.filter((pod) => !pod.finished);
  const fresh = live.filter((pod) => pod.hash === hash);
  const outdated = live.filter((pod) => pod.hash !== hash);
  const retired = outdated.filter(({ draining }) => draining);
  const takers = [...fresh, ...outdated.filter(({ ready, draining }) => ready && !draining)];
  return { live, fresh, outdated, retired, takers, failing };
}

/** Whether no Sandbox object is on the agent. False for a Pod without a uid, which may not exist yet. */
export function isIdle({ uid, name }: AgentPodView, { onAgent }: PoolLoad): boolean {
  return uid !== '' && !onAgent.has(name);
}

/** Number of agents for the demand. Sandboxes on retired agents count while other outdated agents are in service. */
export function scaleOf(world: PoolWorld, { retired, outdated, takers }: Agents): Scale {
  const { capacity, demand, unmet } = world;
  const { poolMin, poolMax, bufferMin, bufferMax, perPod } = capacity;
  const apart = retired.length === outdated.length ? retired : [];
  const elsewhere = apart.reduce((sum, { name }) => sum + (demand.onAgent.get(name) ?? 0), 0);
  const wanted = Math.max(0, demand.active - elsewhere) + demand.pending + unmet;
  const within = (agents: number): number => Math.min(Math.max(agents, poolMin), poolMax);
  const desired = within(Math.max(Math.ceil((wanted + bufferMin) / perPod), agentsForPorts(world, takers)));
  return { desired, most: Math.max(desired, within(Math.floor((wanted + bufferMax) / perPod))) };
}

/** Agents that pending ports need: an agent gives each port once. 0 if no create waits for a port. */
function agentsForPorts({ demand, unmetPorts }: PoolWorld, takers: readonly AgentPodView[]): number {
  const { pendingPorts, portUsers } = demand;
  let most = 0;
  for (const port of new Set([...pendingPorts.keys(), ...unmetPorts.keys()])) {
    const waiting = (pendingPorts.get(port) ?? 0) + (unmetPorts.get(port) ?? 0);
    const users = portUsers.get(port);
    const given = users ? takers.filter(({ name }) => users.has(name)).length : 0;
    most = Math.max(most, given + waiting);
  }
  return most;
}

/** Sorts by the cost of removal: draining, not ready, fewest sandboxes, fewest ended logs, youngest first. */
export function byCost({ demand }: Pick<PoolWorld, 'demand'>, pods: readonly AgentPodView[]): AgentPodView[] {
  const cost = (pod: AgentPodView): number[] => [
    Number(!pod.draining),
    Number(pod.ready),
    demand.onAgent.get(pod.name) ?? 0,
    demand.endedOnAgent.get(pod.name) ?? 0,
    -pod.createdAt,
  ];
  return pods
    .map((pod) => ({ pod, cost: cost(pod) }))
    .sort((a, b) => compare(a.cost, b.cost))
    .map(({ pod }) => pod);
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
