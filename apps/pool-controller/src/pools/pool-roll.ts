import { type AgentPodView } from './agent-pod-view';
import { type Agents, byCost, isIdle, type PoolWorld, type Scale } from './pool-agents';

export interface Roll {
  readonly create: number;
  /** takers that there should be, the successor on its way included */
  readonly wanted: number;
  /** outdated agents that are to take no more sandboxes */
  readonly retire: readonly AgentPodView[];
  /** outdated and idle ones that serve nobody as it is */
  readonly useless: readonly AgentPodView[];
}

/**
 * How a changed template comes to all agents: a successor is made, is ready, and only then an outdated agent takes no
 * more sandboxes, so that the agents that do are never fewer than desired. The pool may be larger than poolMax by
 * maxSurge meanwhile; with none of it a full pool gives up one agent first. Without a change this only fills up.
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

/** There is room for no successor, none is coming, and nobody is about to make room. */
function mustGiveUpOne({ fresh, retired, failing }: Agents, room: number): boolean {
  return room <= 0 && failing.length === 0 && retired.length === 0 && fresh.every(({ ready }) => ready);
}
