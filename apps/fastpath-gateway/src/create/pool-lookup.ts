import { ApiError, isApiError } from '@fsb/api/errors';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Informer } from '@fsb/controller-runtime/informer';
import { POOL_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type ValidatedCreate } from './validated-create';

/** Finds the pools that creates name. */
export class PoolLookup {
  constructor(
    private readonly client: KubeClient,
    private readonly pools: Informer<SandboxPool>,
  ) {}

  /**
   * The pool of a create, from the cache or else from the API server: it may have been made a moment ago.
   * @param deadline Unix milliseconds
   * @throws ApiError not_found, when there is no such pool
   * @throws ApiError with the code of the API server's other errors
   */
  async require({ namespace, pool: name }: ValidatedCreate, deadline: number): Promise<SandboxPool> {
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
