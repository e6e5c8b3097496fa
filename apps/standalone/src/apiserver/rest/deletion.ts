import { fieldAt, type KubeObject } from '../kube-object';
import { type Resource } from '../resources/resource';
import { type Transaction } from '../store/store';
import { type Ref } from '../store/tables';
import { now } from './object-rules';

/** What becomes of an object's dependents. */
export type PropagationPolicy = 'Background' | 'Foreground' | 'Orphan';

/** The garbage collector takes it away once no dependent that blocks is left. */
export const FOREGROUND_FINALIZER = 'foregroundDeletion';
/** The garbage collector takes it away once no dependent names the object as its owner. */
export const ORPHAN_FINALIZER = 'orphan';

export interface Ending {
  /** seconds */
  readonly grace: number;
  readonly finalizers: readonly string[];
}

/**
 * The finalizers of an object that is deleted: those of the garbage collector as the policy asks for, the others as they are.
 * @param policy undefined: as the object has them
 */
export function finalizersFor(current: readonly string[], policy: PropagationPolicy | undefined): readonly string[] {
  if (policy === undefined) return current;
  const others = current.filter((name) => name !== FOREGROUND_FINALIZER && name !== ORPHAN_FINALIZER);
  if (policy === 'Foreground') return [...others, FOREGROUND_FINALIZER];
  return policy === 'Orphan' ? [...others, ORPHAN_FINALIZER] : others;
}

/** Only a Pod that runs somewhere has a grace period: its node ends it and deletes with 0. */
export function gracePeriod({ kind }: Resource, object: KubeObject, asked: number | undefined): number {
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

/** Marks an object that ends by and by; a later call may shorten its grace or change its policy, not more. */
export function marked(transaction: Transaction, ref: Ref, current: KubeObject, ending: Ending): KubeObject {
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
