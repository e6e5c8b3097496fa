import { isDeepStrictEqual } from 'node:util';
import { type Condition } from '@fsb/api/sandbox';
import { type SandboxPool, type SandboxPoolStatus } from '@fsb/api/sandbox-pool';
import { type ConditionInput, setCondition } from '@fsb/controller-runtime/conditions';
import { type AgentPodView } from './agent-pod-view';
import { type PoolWorld, groupAgents } from './pool-agents';

type Observed = Pick<PoolWorld, 'pods' | 'demand' | 'hash'> & { readonly desired: number };

/** Status of a pool with a valid spec. */
export function validStatus(pool: SandboxPool, observed: Observed, now: Date): SandboxPoolStatus {
  const conditions = withCondition(pool.status?.conditions, pool, accepted, now);
  return { ...counts(pool, observed), conditions: withCondition(conditions, pool, readiness(observed), now) };
}

/** Status of a pool with an invalid spec: counts of the agents as they are, and the problems in condition Valid. */
export function invalidStatus(
  pool: SandboxPool,
  observed: Observed,
  problems: readonly string[],
  now: Date,
): SandboxPoolStatus {
  const invalid = { type: 'Valid', status: 'False', reason: 'InvalidSpec', message: problems.join('; ') } as const;
  return { ...counts(pool, observed), conditions: withCondition(pool.status?.conditions, pool, invalid, now) };
}

export function isSameStatus(one: SandboxPoolStatus | undefined, other: SandboxPoolStatus): boolean {
  return isDeepStrictEqual({ ...one }, { ...other });
}

export function conditionOf(status: SandboxPoolStatus | undefined, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

type NewCondition = Omit<ConditionInput, 'observedGeneration'>;

const accepted: NewCondition = { type: 'Valid', status: 'True', reason: 'SpecAccepted', message: '' };

function counts({ metadata }: SandboxPool, { pods, demand }: Observed): Omit<SandboxPoolStatus, 'conditions'> {
  const live = pods.filter(isLive);
  const busyAgents = live.filter(({ name }) => demand.onAgent.has(name)).length;
  return {
    observedGeneration: metadata.generation ?? 0,
    currentPods: live.length,
    readyPods: live.filter(({ ready }) => ready).length,
    totalAgents: live.length,
    idleAgents: live.length - busyAgents,
    busyAgents,
  };
}

/** Condition Ready. Retired agents do not count: they only serve the sandboxes that they have. */
function readiness({ pods, hash, desired }: Observed): NewCondition {
  const present = pods.filter(({ terminating }) => !terminating);
  const failed = present.filter(({ finished }) => finished);
  const { takers, outdated } = groupAgents({ hash }, present, []);
  const ready = takers.filter((pod) => pod.ready).length;
  const message = `${ready} of ${desired} agents are ready${outdated.length > 0 ? `, ${outdated.length} outdated` : ''}`;
  if (ready >= desired) return { type: 'Ready', status: 'True', reason: 'AgentsReady', message };
  const [last] = failed;
  if (!last) return { type: 'Ready', status: 'False', reason: 'AgentsNotReady', message };
  const why = `; agent Pod ${last.name} ended: ${last.reason}`;
  return { type: 'Ready', status: 'False', reason: 'AgentsFailing', message: message + why };
}

function isLive({ terminating, finished }: AgentPodView): boolean {
  return !terminating && !finished;
}

function withCondition(
  conditions: readonly Condition[] | undefined,
  { metadata }: SandboxPool,
  condition: NewCondition,
  now: Date,
): Condition[] {
  return setCondition(conditions, { ...condition, observedGeneration: metadata.generation ?? 0 }, now);
}
