import { type AgentPodView } from './agent-pod-view';
import { type Agents, byCost, isIdle, type PoolWorld, type Scale } from './pool-agents';

export interface Roll {
  /** Pods to create */
  readonly create: number;
  /** number of takers wanted, including the next successors */
  readonly wanted: number;
  /** outdated agents to retire: they drain */
  readonly retire: readonly AgentPodView[];
  /** outdated and idle agents that are not in service anyway */
  readonly useless: readonly AgentPodView[];
}

/**
 * Plans the roll of a changed template. An outdated agent is retired only when a successor is ready, so that the agents
 * in service are never fewer than desired. Meanwhile the pool may exceed poolMax by maxSurge; if that is 0, a full pool
 * retires one agent first. Without outdated agents the plan only fills the pool up.
 */
export function planRoll(world: PoolWorld, agents: Agents, { desired }: Scale): Roll {
  const { capacity, demand } = world;
  const { live, outdated, takers, failing } = agents;
  const useless = outdated.filter((pod) => !pod.ready && !pod.draining && isIdle(pod, demand));
  const inService = outdated.filter(({ ready, draining }) => ready && !draining);
  const step = inService.length > 0 ? Math.max(1, capacity.maxSurge) : 0;
  const most = capacity.poolMax + (outdated.length > 0 ? capacity.maxSurge : 0);
  const wanted = desired + step;
  const room = most - live.length - failing.length;
  const create = Math.max(0, Math.min(wanted - takers.length - failing.length, room));
  const spare = takers.filter(({ ready }) => ready).length - desired;
  const retire = Math.max(spare, mustGiveUpOne(agents, room) ? 1 : 0);
  return { create, wanted, retire: byCost(world, inService).slice(0, Math.max(0, retire)), useless };
}

/** Whether there is no room for a successor, none is starting, and no retired agent is about to make room. */
function mustGiveUpOne({ fresh, retired, failing }: Agents, room: number): boolean {
  return room <= 0 && failing.length === 0 && retired.length === 0 && fresh.every(({ ready }) => ready);
}
