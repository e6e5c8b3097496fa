import { POOL_LABEL } from '@fsb/api/labels';
import { type Pod } from '@fsb/controller-runtime/kinds';
import { type WorkQueue } from '@fsb/controller-runtime/work-queue';
import { type PoolWorlds } from './pool-world';

/** Milliseconds over which changes of Sandboxes are batched into one reconcile of their pool. */
const GATHER_MS = 100;

/** Enqueues the pools that a change of a pool, Pod, Sandbox or demand ConfigMap concerns. */
export function enqueuePoolsOnChange(worlds: PoolWorlds, queue: WorkQueue): void {
  const { caches, demand, unmet } = worlds;
  caches.pools.onChange((key) => {
    queue.add(key);
  });
  caches.pods.onChange((_key, current, previous) => {
    for (const key of poolsOf([current, previous])) {
      worlds.podShown(key, (current ?? previous)?.metadata.name ?? '');
      queue.add(key);
    }
  });
  caches.sandboxes.onChange((_key, current, previous) => {
    for (const key of demand.changed(current, previous)) queue.addAfter(key, GATHER_MS);
  });
  caches.demands.onChange((_key, current, previous) => {
    for (const key of unmet.changed(current, previous, Date.now())) queue.add(key);
  });
}

function poolsOf(pods: readonly (Pod | undefined)[]): Set<string> {
  const keys = pods.map((pod) => pod && poolOf(pod));
  return new Set(keys.filter((key) => key !== undefined));
}

function poolOf({ metadata }: Pod): string | undefined {
  const pool = metadata.labels?.[POOL_LABEL];
  return pool === undefined ? undefined : `${metadata.namespace ?? ''}/${pool}`;
}
