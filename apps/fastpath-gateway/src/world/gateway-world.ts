import { ApiError, isApiError } from '@fsb/api/errors';
import { type Sandbox } from '@fsb/api/sandbox';
import { DEFAULT_SANDBOXES_PER_POD, type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Informer } from '@fsb/controller-runtime/informer';
import { type Pod, POOL_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type PoolLimits } from '@fsb/placement/placement';

export interface Caches {
  readonly sandboxes: Informer<Sandbox>;
  readonly pools: Informer<SandboxPool>;
  readonly pods: Informer<Pod>;
}

const LOOK_MS = 3_000;
const STARTING_RETRY_MS = 500;

/** Without whole caches a name may be taken without our knowing. @throws ApiError unavailable */
export function mustBeSynced(caches: Caches): void {
  const missing = Object.entries(caches).filter(([, { hasSynced }]: [string, Informer<Pod>]) => !hasSynced);
  if (missing.length === 0) return;
  const names = missing.map(([name]) => name).join(', ');
  throw new ApiError('unavailable', `the gateway is starting and has not listed ${names} yet; try again`, {
    retryDelayMs: STARTING_RETRY_MS,
  });
}

/** From the cache, or from the API server before it is said that there is none. @throws ApiError not_found */
export async function findPool(
  caches: Caches,
  client: KubeClient,
  { namespace, name }: { namespace: string; name: string },
  signal: AbortSignal,
): Promise<SandboxPool> {
  const cached = caches.pools.get(`${namespace}/${name}`);
  if (cached) return cached;
  try {
    return await client.get(POOL_KIND, { namespace, name }, { signal, deadlineMs: LOOK_MS });
  } catch (error) {
    if (!isApiError(error, 'not_found')) throw error;
    const known = caches.pools.list(namespace).map(({ metadata }) => metadata.name ?? '');
    const there = known.length === 0 ? 'it has no pools' : `its pools are ${known.slice(0, 10).join(', ')}`;
    throw new ApiError('not_found', `pool_ref: namespace "${namespace}" has no pool "${name}"; ${there}`);
  }
}

export function limitsOf({ spec }: SandboxPool): PoolLimits {
  const { maxSandboxesPerPod, capacity } = spec;
  return {
    sandboxesPerAgent: maxSandboxesPerPod || DEFAULT_SANDBOXES_PER_POD, // 0 is the default, too
    maxAgents: capacity?.poolMax || undefined, // 0 is no limit
  };
}
