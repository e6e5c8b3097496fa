import { ApiError, isApiError } from '@fsb/api/errors';
import { DEFAULT_SANDBOXES_PER_POD, type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Informer } from '@fsb/controller-runtime/informer';
import { POOL_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type PoolLimits } from '@fsb/placement/placement';
import { type Placer } from '@fsb/placement/placer';
import { type PendingRecord, type PendingRecords } from '../sandboxes/pending-records';
import { agentRequest, type CreateOrder } from './create-order';
import { type Created, type CreateMode } from './create-mode';

export interface FastParts {
  readonly client: KubeClient;
  readonly pools: Informer<SandboxPool>;
  readonly placer: Placer;
  readonly records: PendingRecords;
  /** wakes the write-behind */
  readonly record: (key: string) => void;
}

/** The container first; nothing here waits for Kubernetes once the pool is known. */
export class FastCreate implements CreateMode {
  constructor(private readonly parts: FastParts) {}

  async create(given: CreateOrder, signal: AbortSignal, deadline: number): Promise<Created> {
    const pool = await this.requirePool(given, deadline);
    const order = withDefaults(given, pool);
    const { namespace, name, image } = order;
    const sandbox = agentRequest(order);
    const request = {
      namespace,
      name,
      image,
      pool: order.pool,
      ports: sandbox.ports ?? [],
      sandbox,
      limits: limitsOf(pool),
    };
    const { agent, createdAt, endpoints, stages } = await this.parts.placer.place(request, signal, deadline);
    const { sandboxId } = sandbox;
    this.recordBehind({ order, agent, sandboxId, createdAt, cancelled: false });
    return { response: { sandboxId, agentPod: agent.name, endpoints: [...endpoints], sandboxName: name }, stages };
  }

  private recordBehind(record: PendingRecord): void {
    const key = `${record.order.namespace}/${record.order.name}`;
    if (this.parts.records.add(key, record)) this.parts.record(key);
  }

  /** A pool that the cache does not know may be a moment old: asked live before it is denied. */
  private async requirePool({ namespace, pool: name }: CreateOrder, deadline: number): Promise<SandboxPool> {
    const cached = this.parts.pools.get(`${namespace}/${name}`);
    if (cached) return cached;
    try {
      const limit = { deadlineMs: Math.max(1, deadline - Date.now()) };
      return await this.parts.client.get(POOL_KIND, { namespace, name }, limit);
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error;
      const message = `pool_ref: there is no SandboxPool "${name}" in namespace "${namespace}"; see kubectl -n ${namespace} get sandboxpools`;
      throw new ApiError('not_found', message);
    }
  }
}

function limitsOf({ spec }: SandboxPool): PoolLimits {
  const perAgent = spec.maxSandboxesPerPod ?? 0; // 0 is absent, as in the original
  return {
    sandboxesPerAgent: perAgent > 0 ? perAgent : DEFAULT_SANDBOXES_PER_POD,
    maxAgents: spec.capacity?.poolMax === 0 ? undefined : spec.capacity?.poolMax,
  };
}

/** What the pool says for sandboxes that name no resources of their own. */
function withDefaults(order: CreateOrder, { spec }: SandboxPool): CreateOrder {
  const defaults = spec.sandboxDefaults?.resources;
  if (!defaults) return order;
  return { ...order, spec: { ...order.spec, resources: { ...defaults, ...order.spec.resources } } };
}
