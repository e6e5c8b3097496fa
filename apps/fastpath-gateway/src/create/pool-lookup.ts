import { ApiError, isApiError } from '@fsb/api/errors';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Informer } from '@fsb/controller-runtime/informer';
import { POOL_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type CreateOrder } from './create-order';

/** The pools that creates name. */
export class PoolLookup {
  constructor(
    private readonly client: KubeClient,
    private readonly pools: Informer<SandboxPool>,
  ) {}

  /**
   * A pool that the cache does not know may be a moment old: asked live before it is denied.
   * @throws ApiError not_found
   */
  async require({ namespace, pool: name }: CreateOrder, deadline: number): Promise<SandboxPool> {
    const cached = this.pools.get(`${namespace}/${name}`);
    if (cached) return cached;
    try {
      const limit = { deadlineMs: Math.max(1, deadline - Date.now()) };
      return await this.client.get(POOL_KIND, { namespace, name }, limit);
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error;
      const message = `pool_ref: there is no SandboxPool "${name}" in namespace "${namespace}"; see kubectl -n ${namespace} get sandboxpools`;
      throw new ApiError('not_found', message);
    }
  }
}
