import { type Pod } from '@fsb/controller-runtime/kinds';

interface Expected {
  readonly pod: Pod;
  readonly since: number;
}

/**
 * What this process has done and the cache does not show yet: Pods made, Pods deleted. A slow cache must lead neither to
 * a second Pod nor to a second victim. Lost with the process, and harmless then: a new one starts from a whole list.
 */
export class ExpectedPods {
  /** by pool, then by Pod name */
  private readonly created = new Map<string, Map<string, Expected>>();
  /** uids */
  private readonly deleted = new Map<string, Set<string>>();

  /** Before the call: its answer may be lost. */
  expectCreated(pool: string, pod: Pod, now: number): void {
    const expected = this.created.get(pool) ?? new Map<string, Expected>();
    this.created.set(pool, expected.set(pod.metadata.name ?? '', { pod, since: now }));
  }

  expectDeleted(pool: string, uid: string): void {
    this.deleted.set(pool, (this.deleted.get(pool) ?? new Set()).add(uid));
  }

  /** The Pod does not exist after all, or the cache has shown it. */
  forget(pool: string, name: string): void {
    this.created.get(pool)?.delete(name);
    if (this.created.get(pool)?.size === 0) this.created.delete(pool);
  }

  forgetPool(pool: string): void {
    this.created.delete(pool);
    this.deleted.delete(pool);
  }

  /** Something is still to be shown by the cache. */
  awaits(pool: string): boolean {
    return this.created.has(pool);
  }

  /** Names of Pods that the cache has not shown for so long that somebody must look. */
  overdue(pool: string, now: number, afterMs: number): string[] {
    return [...(this.created.get(pool) ?? [])].filter(([, { since }]) => now - since > afterMs).map(([name]) => name);
  }

  /** The Pods of the cache, with those that it will show, and those marked that it will lose. */
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
