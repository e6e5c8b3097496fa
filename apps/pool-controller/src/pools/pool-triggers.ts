import { POOL_LABEL } from '@fsb/api/labels';
import { type Sandbox } from '@fsb/api/sandbox';
import { type Pod } from '@fsb/controller-runtime/kinds';
import { type WorkQueue } from '@fsb/controller-runtime/work-queue';
import { type PoolCaches } from './pool-reconciler';

/** Sandboxes come and go by the hundred: a pool looks at them at most so often. */
const GATHER_MS = 100;

/** Which pools a change concerns. */
export function enqueueOnChange({ pools, pods, sandboxes }: PoolCaches, queue: WorkQueue): void {
  pools.onChange((key) => {
    queue.add(key);
  });
  pods.onChange((_key, current, previous) => {
    for (const key of keysOf([current, previous], poolOfPod)) queue.add(key);
  });
  sandboxes.onChange((_key, current, previous) => {
    if (current && previous && demandOf(current) === demandOf(previous)) return;
    for (const key of keysOf([current, previous], poolOfSandbox)) queue.addAfter(key, GATHER_MS);
  });
}

function keysOf<T>(objects: readonly (T | undefined)[], keyOf: (object: T) => string | undefined): Set<string> {
  const keys = objects.map((object) => (object === undefined ? undefined : keyOf(object)));
  return new Set(keys.filter((key) => key !== undefined));
}

function poolOfPod({ metadata }: Pod): string | undefined {
  const pool = metadata.labels?.[POOL_LABEL];
  return pool === undefined ? undefined : `${metadata.namespace ?? ''}/${pool}`;
}

function poolOfSandbox({ metadata, spec }: Sandbox): string {
  return `${metadata.namespace ?? ''}/${spec.poolRef}`;
}

/** All of a Sandbox that a pool's plan looks at. */
function demandOf({ metadata, spec, status }: Sandbox): string {
  const { poolRef, failurePolicy = '' } = spec;
  const parts = [poolRef, failurePolicy, status?.phase, status?.assignedPod, metadata.deletionTimestamp];
  return parts.join('\0');
}
