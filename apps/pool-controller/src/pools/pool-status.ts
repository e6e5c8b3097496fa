import { isDeepStrictEqual } from 'node:util';
import { type Condition } from '@fsb/api/sandbox';
import { type SandboxPool, type SandboxPoolStatus } from '@fsb/api/sandbox-pool';
import { setCondition } from '@fsb/controller-runtime/conditions';
import { type AgentPodView } from './agent-pod-view';
import { type Demand } from './pool-demand';

export interface PoolSight {
  readonly pods: readonly AgentPodView[];
  readonly demand: Demand;
  readonly desired: number;
}

/** The status of a pool whose spec can be carried out. */
export function validStatus(pool: SandboxPool, { pods, demand, desired }: PoolSight, now: Date): SandboxPoolStatus {
  const live = pods.filter(({ terminating, finished }) => !terminating && !finished);
  const readyPods = live.filter(({ ready }) => ready).length;
  const busyAgents = live.filter(({ name }) => demand.onAgent.has(name)).length;
  const ready = readyPods >= desired;
  const conditions = withCondition(pool, valid(pool), now);
  const message = `${readyPods} of ${desired} agents are ready`;
  return {
    observedGeneration: pool.metadata.generation ?? 0,
    currentPods: live.length,
    readyPods,
    totalAgents: live.length,
    idleAgents: live.length - busyAgents,
    busyAgents,
    conditions: setCondition(
      conditions,
      {
        type: 'Ready',
        status: ready ? 'True' : 'False',
        reason: ready ? 'AgentsReady' : 'AgentsNotReady',
        message,
        observedGeneration: pool.metadata.generation ?? 0,
      },
      now,
    ),
  };
}

/** Of one that cannot: it stays as it is, and says why. */
export function invalidStatus(pool: SandboxPool, problems: readonly string[], now: Date): SandboxPoolStatus {
  const condition = { ...valid(pool), status: 'False', reason: 'InvalidSpec', message: problems.join('; ') } as const;
  return {
    ...pool.status,
    observedGeneration: pool.metadata.generation ?? 0,
    conditions: withCondition(pool, condition, now),
  };
}

export function isSameStatus(one: SandboxPoolStatus | undefined, other: SandboxPoolStatus): boolean {
  return isDeepStrictEqual({ ...one }, { ...other });
}

function valid({ metadata }: SandboxPool): Omit<Condition, 'lastTransitionTime'> {
  return {
    type: 'Valid',
    status: 'True',
    reason: 'SpecAccepted',
    message: '',
    observedGeneration: metadata.generation ?? 0,
  };
}

function withCondition(pool: SandboxPool, condition: Omit<Condition, 'lastTransitionTime'>, now: Date): Condition[] {
  return setCondition(pool.status?.conditions, condition, now);
}
