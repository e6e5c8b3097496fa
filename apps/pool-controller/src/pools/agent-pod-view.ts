import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Pod } from '@fsb/controller-runtime/kinds';

/** Hash of what a Pod was made from. A Pod whose hash differs from its pool's is outdated. */
export const TEMPLATE_HASH_ANNOTATION = 'fast-sandbox.io/template-hash';
/**
 * Marks a Pod whose agent is to drain, so that a drain cut off by a crash is carried on or undone. The value names the
 * agent's start that was notified, or is ASKED before any was: a restarted agent has forgotten that it drains.
 */
export const DRAINING_ANNOTATION = 'fast-sandbox.io/draining';
export const DRAIN_REQUESTED = 'asked';

/** The facts about an agent Pod that plans use. */
export interface AgentPodView {
  readonly name: string;
  readonly uid: string;
  /** Pod IP; absent until it has one */
  readonly address?: string;
  readonly ready: boolean;
  readonly terminating: boolean;
  /** Failed or Succeeded: nothing in it runs again */
  readonly finished: boolean;
  /** marked to drain */
  readonly draining: boolean;
  /** the present start of the agent was notified of the drain */
  readonly drainNotified: boolean;
  /** value of the draining annotation once the present start is notified */
  readonly start: string;
  /** Unix milliseconds of the last change of `ready` */
  readonly readyChangedAt: number;
  /** reason of its end as the kubelet reports it, else its phase */
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
    drainNotified: draining === start,
    hash: annotations[TEMPLATE_HASH_ANNOTATION] ?? '',
  };
}

type PodStatus = NonNullable<Pod['status']>;

/** Names the present start of the Pod's containers, by the sum of their restarts. */
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

/** Compares uids: Pods of a deleted pool of the same name may still be terminating. */
export function isOwnedBy(pod: Pod, pool: SandboxPool): boolean {
  return (
    pod.metadata.ownerReferences?.some(({ controller, uid }) => controller === true && uid === pool.metadata.uid) ??
    false
  );
}
