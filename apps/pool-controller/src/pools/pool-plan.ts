import { type AgentPodView } from './agent-pod-view';
import { byCost, isIdle, type PoolWorld, scaleOf, groupAgents } from './pool-agents';
import { planRoll } from './pool-roll';

export interface PoolPlan {
  /** agents for the demand, within the pool's limits */
  readonly desired: number;
  /** Pods to create */
  readonly create: number;
  /** to remove: idle as far as objects show; each is drained and asked first */
  readonly remove: readonly AgentPodView[];
  /** to drain: outdated and busy; each is removed when idle */
  readonly drain: readonly AgentPodView[];
  /** to delete: finished Pods, which need no drain */
  readonly discard: readonly AgentPodView[];
  /** to put back into service: draining, and needed again */
  readonly keep: readonly AgentPodView[];
  /** milliseconds until the next round, if only time leads to one */
  readonly againInMs?: number;
}

/** Limits of one round; its changes trigger the next. */
const MAX_CREATES = 50;
const MAX_REMOVALS = 20;

/**
 * Plans one round of scaling. Slots needed = active + pending + unmet + bufferMin. Busy agents are never removed; idle
 * ones stay while their free slots are within bufferMax. Pure.
 */
export function planPool(world: PoolWorld): PoolPlan {
  const { demand, pods, now, replaceAfterMs } = world;
  const present = pods.filter(({ terminating }) => !terminating);
  const finished = present.filter((pod) => pod.finished);
  const failing = finished.filter(({ createdAt }) => now - createdAt < replaceAfterMs);
  const agents = groupAgents(world, present, failing);
  const scale = scaleOf(world, agents);
  const roll = planRoll(world, agents, scale);
  const idle = (pod: AgentPodView): boolean => isIdle(pod, demand);
  const surplus = roll.create > 0 ? 0 : agents.takers.length - roll.retire.length - Math.max(scale.most, roll.wanted);
  const spare = byCost(world, agents.fresh.filter(idle)).slice(0, Math.max(0, surplus));
  const leaving = [...agents.retired, ...roll.retire];
  const remove = [...roll.useless, ...leaving.filter(idle), ...spare].slice(0, MAX_REMOVALS);
  const wait = failing.map(({ createdAt }) => createdAt + replaceAfterMs - now);
  return {
    desired: scale.desired,
    create: Math.min(MAX_CREATES, roll.create),
    remove,
    drain: leaving.filter((pod) => pod.uid !== '' && !idle(pod) && !pod.drainNotified),
    discard: finished.filter((pod) => !failing.includes(pod)),
    keep: agents.fresh.filter((pod) => pod.draining && !remove.includes(pod)),
    ...(wait.length > 0 ? { againInMs: Math.min(...wait) } : {}),
  };
}
