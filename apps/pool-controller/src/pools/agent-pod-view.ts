import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Pod } from '@fsb/controller-runtime/kinds';

/** Hash of what a Pod was made from; another one than the pool's: the Pod is outdated. */
export const TEMPLATE_HASH_ANNOTATION = 'fast-sandbox.io/template-hash';
/** On a Pod whose agent was told to take no more sandboxes: a crash before the removal must not leave it so. */
export const DRAINING_ANNOTATION = 'fast-sandbox.io/draining';

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
  readonly hash: string;
  /** Unix milliseconds */
  readonly createdAt: number;
}

export function agentPodView(pod: Pod): AgentPodView {
  const { name = '', uid = '', annotations = {}, deletionTimestamp, creationTimestamp = '' } = pod.metadata;
  const { phase, podIP, conditions = [] } = pod.status ?? {};
  return {
    name,
    uid,
    ...(podIP ? { address: podIP } : {}),
    ready: conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
    terminating: deletionTimestamp !== undefined,
    finished: phase === 'Failed' || phase === 'Succeeded',
    draining: annotations[DRAINING_ANNOTATION] !== undefined,
    hash: annotations[TEMPLATE_HASH_ANNOTATION] ?? '',
    createdAt: Date.parse(creationTimestamp) || 0,
  };
}

/** By uid: the Pods of a deleted pool of the same name are on their way out. */
export function isOwnedBy(pod: Pod, pool: SandboxPool): boolean {
  return (
    pod.metadata.ownerReferences?.some(({ controller, uid }) => controller === true && uid === pool.metadata.uid) ??
    false
  );
}
