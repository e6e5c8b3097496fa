import { type Pod } from '@fsb/controller-runtime/kinds';

interface Expected {
  readonly pod: Pod;
  readonly since: number;
}

/**
 * Pods that this process created or deleted and the cache does not reflect yet, so that a slow cache leads neither to a
 * second Pod nor to a second removal. Not persisted: a new process starts from a full list.
 */
export class ExpectedPods {
  /** by pool key, then by Pod name */
  private readonly created = new Map<string, Map<string, Expected>>();
  /** Pod uids by pool key */
  private readonly deleted = new Map<string, Set<string>>();

  /** To be called before the create, whose answer may be lost. */
  expectCreated(pool: string, pod: Pod, now: number): void {
    const expected = this.created.get(pool) ?? new Map<string, Expected>();
    this.created.set(pool, expected.set(pod.metadata.name ?? '', { pod, since: now }));
  }

  expectDeleted(pool: string, uid: string): void {
    this.deleted.set(pool, (this.deleted.get(pool) ?? new Set()).add(uid));
  }

  /** Drops a Pod that does not exist after all, or that the cache has shown. */
  forget(pool: string, name: string): void {
    this.created.get(pool)?.delete(name);
    if (this.created.get(pool)?.size === 0) this.created.delete(pool);
  }

  forgetPool(pool: string): void {
    this.created.delete(pool);
    this.deleted.delete(pool);
  }

  /** Whether the cache has still to show a created Pod of the pool. */
  awaits(pool: string): boolean {
    return this.created.has(pool);
  }

  /** Names of the created Pods that the cache has not shown for more than `afterMs`. */
  overdue(pool: string, now: number, afterMs: number): string[] {
    return [...(this.created.get(pool) ?? [])].filter(([, { since }]) => now - since > afterMs).map(([name]) => name);
  }

  /** The cached Pods and the expected ones; those deleted here carry a deletionTimestamp. */
  apply(pool: string, cached: readonly Pod[]): Pod[] {
    for (const { metadata } of cached) this.forget(pool, metadata.name ?? '');
    const gone = this.deleted.get(pool);
    const uids = new Set(cached.map(({ metadata }) => metadata.uid));
    for (const uid of gone ?? []) if (!uids.has(uid)) gone?.delete(uid);
    if (gone?.size === 0) this.deleted.delete(pool);
    const coming = [...(this.created.get(pool)?.values() ?? [])].map(({ pod }) => pod);
    return [...cached.map((pod) => (gone?.has(pod.metadata.uid ?? '') ? terminating(pod) : pod)), ...coming];
  }
}

function terminating(pod: Pod): Pod {
  const { deletionTimestamp = new Date(0).toISOString() } = pod.metadata;
  return { ...pod, metadata: { ...pod.metadata, deletionTimestamp } };
}
