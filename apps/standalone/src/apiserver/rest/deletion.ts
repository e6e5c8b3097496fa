import { fieldAt, type StoredObject } from '../kube-object';
import { type Resource } from '../resources/resource';
import { type Transaction } from '../store/store';
import { type Ref } from '../store/tables';
import { now } from './object-rules';

/** Kubernetes' policy for the dependents of a deleted object. */
export type PropagationPolicy = 'Background' | 'Foreground' | 'Orphan';

/** The garbage collector removes it when no blocking dependent is left. */
export const FOREGROUND_FINALIZER = 'foregroundDeletion';
/** The garbage collector removes it when no dependent names the object as its owner. */
export const ORPHAN_FINALIZER = 'orphan';

export interface DeletionTerms {
  /** seconds */
  readonly grace: number;
  readonly finalizers: readonly string[];
}

/**
 * Finalizers of a deleted object: the garbage collector's by the policy, all others unchanged.
 * @param policy undefined: all unchanged
 */
export function finalizersFor(current: readonly string[], policy: PropagationPolicy | undefined): readonly string[] {
  if (policy === undefined) return current;
  const others = current.filter((name) => name !== FOREGROUND_FINALIZER && name !== ORPHAN_FINALIZER);
  if (policy === 'Foreground') return [...others, FOREGROUND_FINALIZER];
  return policy === 'Orphan' ? [...others, ORPHAN_FINALIZER] : others;
}

/** Seconds. Only a Pod that runs on a node has a grace period; the node ends it and deletes it with 0. */
export function deletionGracePeriod({ kind }: Resource, object: StoredObject, asked: number | undefined): number {
  const phase = fieldAt(object, ['status', 'phase']);
  const runs =
    kind === 'Pod' &&
    fieldAt(object, ['spec', 'nodeName']) !== undefined &&
    phase !== 'Succeeded' &&
    phase !== 'Failed';
  if (!runs) return 0;
  const own = Number(fieldAt(object, ['spec', 'terminationGracePeriodSeconds']) ?? 30);
  return Math.max(0, asked ?? own);
}

/** Marks an object as being deleted. A later call can only shorten its grace period or change its finalizers. */
export function markDeleted(
  transaction: Transaction,
  ref: Ref,
  current: StoredObject,
  ending: DeletionTerms,
): StoredObject {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, generation, finalizers = [] } = current.metadata;
  const isMarked = deletionTimestamp !== undefined && deletionGracePeriodSeconds <= ending.grace;
  if (isMarked && ending.finalizers.join() === finalizers.join()) return current;
  const metadata = {
    ...current.metadata,
    ...(generation !== undefined && !isMarked && { generation: generation + 1 }),
    ...(finalizers.length + ending.finalizers.length > 0 && { finalizers: [...ending.finalizers] }),
    deletionTimestamp: deletionTimestamp ?? now(),
    deletionGracePeriodSeconds: isMarked ? deletionGracePeriodSeconds : ending.grace,
  };
  const status = ref.resource === 'namespaces' ? { status: { phase: 'Terminating' } } : {};
  return transaction.put(ref, { ...current, metadata, ...status });
}
