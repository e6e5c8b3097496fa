import { isDeepStrictEqual } from 'node:util';
import { type Condition } from '@fsb/api/sandbox';
import { type SandboxPool, type SandboxPoolStatus } from '@fsb/api/sandbox-pool';
import { type ConditionInput, setCondition } from '@fsb/controller-runtime/conditions';
import { type AgentPodView } from './agent-pod-view';
import { type PoolWorld, sortOut } from './pool-agents';

type Sight = Pick<PoolWorld, 'pods' | 'demand' | 'hash'> & { readonly desired: number };

/** The status of a pool whose spec can be carried out. */
export function validStatus(pool: SandboxPool, sight: Sight, now: Date): SandboxPoolStatus {
  const conditions = withCondition(pool.status?.conditions, pool, accepted, now);
  return { ...counts(pool, sight), conditions: withCondition(conditions, pool, readiness(sight), now) };
}

/** Of one that cannot: it stays as it is, and says why. */
export function invalidStatus(
  pool: SandboxPool,
  sight: Sight,
  problems: readonly string[],
  now: Date,
): SandboxPoolStatus {
  const invalid = { type: 'Valid', status: 'False', reason: 'InvalidSpec', message: problems.join('; ') } as const;
  return { ...counts(pool, sight), conditions: withCondition(pool.status?.conditions, pool, invalid, now) };
}

export function isSameStatus(one: SandboxPoolStatus | undefined, other: SandboxPoolStatus): boolean {
  return isDeepStrictEqual({ ...one }, { ...other });
}

export function conditionOf(status: SandboxPoolStatus | undefined, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

type Said = Omit<ConditionInput, 'observedGeneration'>;

const accepted: Said = { type: 'Valid', status: 'True', reason: 'SpecAccepted', message: '' };

function counts({ metadata }: SandboxPool, { pods, demand }: Sight): Omit<SandboxPoolStatus, 'conditions'> {
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

/** Outdated agents that take no more sandboxes do not count: they are there for those they have. */
function readiness({ pods, hash, desired }: Sight): Said {
  const present = pods.filter(({ terminating }) => !terminating);
  const failed = present.filter(({ finished }) => finished);
  const { takers, outdated } = sortOut({ hash }, present, []);
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
  said: Said,
  now: Date,
): Condition[] {
  return setCondition(conditions, { ...said, observedGeneration: metadata.generation ?? 0 }, now);
}
