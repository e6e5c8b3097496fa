import { type AgentPodView } from './agent-pod-view';
import { type Capacity } from './pool-capacity';
import { type Demand } from './pool-demand';

export interface PoolWorld {
  readonly capacity: Capacity;
  readonly demand: Demand;
  readonly pods: readonly AgentPodView[];
  /** hash of the template as it is now */
  readonly hash: string;
  /** Unix milliseconds */
  readonly now: number;
}

export interface PoolPlan {
  /** agents that the demand asks for, within the pool's limits */
  readonly desired: number;
  readonly create: number;
  /** idle as far as is known: drained and asked before they go */
  readonly remove: readonly AgentPodView[];
  /** finished Pods: nothing to drain */
  readonly discard: readonly AgentPodView[];
  /** were to be removed, and are wanted again */
  readonly keep: readonly AgentPodView[];
  /** when to look again, where that depends on the clock alone */
  readonly againInMs?: number;
}

interface Roll {
  readonly create: number;
  readonly remove: number;
  /** how many agents above the limit are there for a reason */
  readonly surge: number;
}

/** A Pod that fails as soon as it starts is replaced at most so often. */
export const REPLACE_AFTER_MS = 5_000;
/** Of one round: the next event brings the next round. */
const MAX_CREATES = 50;
const MAX_REMOVALS = 20;

/**
 * How many agents, and which go. Scaling: slots needed = active + pending + bufferMin. Busy agents are never removed;
 * idle ones stay while their free slots are within bufferMax.
 */
export function planPool(world: PoolWorld): PoolPlan {
  const { capacity, demand, pods, now } = world;
  const { desired, most } = limits(capacity, demand);
  const present = pods.filter(({ terminating }) => !terminating);
  const finished = present.filter((pod) => pod.finished);
  const live = present.filter((pod) => !pod.finished);
  const young = finished.filter(({ createdAt }) => now - createdAt < REPLACE_AFTER_MS);
  const discard = finished.filter((pod) => !young.includes(pod));
  const roll = rolling(world, live, desired);
  const create = Math.min(MAX_CREATES, Math.max(roll.create, desired - live.length - young.length, 0));
  const surplus = create > 0 ? 0 : Math.max(live.length - most - roll.surge, roll.remove);
  const remove = candidates(world, live).slice(0, Math.min(MAX_REMOVALS, Math.max(0, surplus)));
  const keep = live.filter((pod) => pod.draining && !remove.includes(pod));
  const wait = young.map(({ createdAt }) => createdAt + REPLACE_AFTER_MS - now);
  return { desired, create, remove, discard, keep, ...(wait.length > 0 ? { againInMs: Math.min(...wait) } : {}) };
}

/** `most`: above it agents are surplus. */
function limits(capacity: Capacity, demand: Demand): { desired: number; most: number } {
  const { poolMin, poolMax, bufferMin, bufferMax, perPod } = capacity;
  const wanted = demand.active + demand.pending;
  const within = (agents: number): number => Math.min(Math.max(agents, poolMin), poolMax);
  const desired = within(Math.ceil((wanted + bufferMin) / perPod));
  return { desired, most: Math.max(desired, within(Math.floor((wanted + bufferMax) / perPod))) };
}

/**
 * A changed template rolls by a surge of one: a new agent comes, is ready, an idle old one goes. Old ones that are busy
 * wait until they are idle.
 */
function rolling({ hash, demand }: PoolWorld, live: readonly AgentPodView[], desired: number): Roll {
  const idle = live.filter((pod) => pod.hash !== hash && !demand.onAgent.has(pod.name));
  if (idle.length === 0) return { create: 0, remove: 0, surge: 0 };
  // the one more that is still starting is not surplus
  if (live.some((pod) => pod.hash === hash && !pod.ready)) return { create: 0, remove: 0, surge: 1 };
  // one that is not ready serves nobody: it may go without a successor standing by
  const mayGo = live.length > desired || idle.some(({ ready }) => !ready);
  return mayGo ? { create: 0, remove: 1, surge: 0 } : { create: 1, remove: 0, surge: 0 };
}

/** Idle agents; the least loss first. One without a uid is not known to exist yet. */
function candidates({ demand, hash }: PoolWorld, live: readonly AgentPodView[]): AgentPodView[] {
  const cost = (pod: AgentPodView): number[] => [
    Number(!pod.draining),
    Number(pod.ready),
    Number(pod.hash === hash),
    demand.endedOnAgent.get(pod.name) ?? 0,
    -pod.createdAt,
  ];
  return live
    .filter(({ name, uid }) => uid !== '' && !demand.onAgent.has(name))
    .map((pod) => ({ pod, cost: cost(pod) }))
    .sort((a, b) => compare(a.cost, b.cost))
    .map(({ pod }) => pod);
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
