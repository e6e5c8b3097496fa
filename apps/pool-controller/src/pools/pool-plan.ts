import { type AgentPodView } from './agent-pod-view';
import { byCost, isIdle, type PoolWorld, scaleOf, sortOut } from './pool-agents';
import { planRoll } from './pool-roll';

export interface PoolPlan {
  /** agents that the demand asks for, within the pool's limits */
  readonly desired: number;
  readonly create: number;
  /** idle as far as is known: drained and asked before they go */
  readonly remove: readonly AgentPodView[];
  /** outdated and busy: are to take no more sandboxes, and go when they are idle */
  readonly drain: readonly AgentPodView[];
  /** finished Pods: nothing to drain */
  readonly discard: readonly AgentPodView[];
  /** were to be removed, and are wanted again */
  readonly keep: readonly AgentPodView[];
  /** when to look again, where that depends on the clock alone */
  readonly againInMs?: number;
}

/** Of one round: the next event brings the next round. */
const MAX_CREATES = 50;
const MAX_REMOVALS = 20;

/**
 * How many agents, and which go. Scaling: slots needed = active + pending + bufferMin. Busy agents are never removed;
 * idle ones stay while their free slots are within bufferMax.
 */
export function planPool(world: PoolWorld): PoolPlan {
  const { demand, pods, now, replaceAfterMs } = world;
  const present = pods.filter(({ terminating }) => !terminating);
  const finished = present.filter((pod) => pod.finished);
  const failing = finished.filter(({ createdAt }) => now - createdAt < replaceAfterMs);
  const agents = sortOut(world, present, failing);
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
    drain: leaving.filter((pod) => pod.uid !== '' && !idle(pod) && !pod.told),
    discard: finished.filter((pod) => !failing.includes(pod)),
    keep: agents.fresh.filter((pod) => pod.draining && !remove.includes(pod)),
    ...(wait.length > 0 ? { againInMs: Math.min(...wait) } : {}),
  };
}
