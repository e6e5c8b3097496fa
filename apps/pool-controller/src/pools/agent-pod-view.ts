import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Pod } from '@fsb/controller-runtime/kinds';

/** Hash of what a Pod was made from; another one than the pool's: the Pod is outdated. */
export const TEMPLATE_HASH_ANNOTATION = 'fast-sandbox.io/template-hash';
/**
 * On a Pod whose agent is to take no more sandboxes: a crash before the removal must not leave it so. The value says
 * which start of the agent was told, and is ASKED before any was: an agent that starts again has forgotten it.
 */
export const DRAINING_ANNOTATION = 'fast-sandbox.io/draining';
export const ASKED = 'asked';

/** An agent Pod as the plan sees it. */
export interface AgentPodView {
  readonly name: string;
  readonly uid: string;
  /** absent before the Pod has one */
  readonly address?: string;
  readonly ready: boolean;
  readonly terminating: boolean;
  /** Failed or Succeeded: nothing of it will run again */
  readonly finished: boolean;
  readonly draining: boolean;
  /** and the agent that runs now knows */
  readonly told: boolean;
  /** value of the annotation once it does */
  readonly start: string;
  /** Unix milliseconds of the last change of `ready` */
  readonly readyChangedAt: number;
  /** why it finished, as the kubelet says it */
  readonly reason: string;
  readonly hash: string;
  /** Unix milliseconds */
  readonly createdAt: number;
}

export function agentPodView({ metadata, status = {} }: Pod): AgentPodView {
  const { name = '', uid = '', annotations = {}, deletionTimestamp, creationTimestamp = '' } = metadata;
  const { phase, podIP, reason = phase ?? '' } = status;
  const createdAt = Date.parse(creationTimestamp) || 0;
  const draining = annotations[DRAINING_ANNOTATION];
  const start = startOf(status);
  return {
    ...{ name, uid, createdAt, reason, start },
    ...(podIP ? { address: podIP } : {}),
    ...readinessOf(status, createdAt),
    terminating: deletionTimestamp !== undefined,
    finished: phase === 'Failed' || phase === 'Succeeded',
    draining: draining !== undefined,
    told: draining === start,
    hash: annotations[TEMPLATE_HASH_ANNOTATION] ?? '',
  };
}

type PodStatus = NonNullable<Pod['status']>;

/** Which start of the Pod's processes it is. */
function startOf({ containerStatuses = [] }: PodStatus): string {
  return `start-${containerStatuses.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0)}`;
}

function readinessOf(
  { conditions = [] }: PodStatus,
  createdAt: number,
): Pick<AgentPodView, 'ready' | 'readyChangedAt'> {
  const ready = conditions.find(({ type }) => type === 'Ready');
  return {
    ready: ready?.status === 'True',
    readyChangedAt: Date.parse(ready?.lastTransitionTime ?? '') || createdAt,
  };
}

/** By uid: the Pods of a deleted pool of the same name are on their way out. */
export function isOwnedBy(pod: Pod, pool: SandboxPool): boolean {
  return (
    pod.metadata.ownerReferences?.some(({ controller, uid }) => controller === true && uid === pool.metadata.uid) ??
    false
  );
}
