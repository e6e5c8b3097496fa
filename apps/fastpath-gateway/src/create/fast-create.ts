import { DEFAULT_SANDBOXES_PER_POD, type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Traffic } from '@fsb/component-base/traffic';
import { type PoolLimits } from '@fsb/placement/placement';
import { type Placer } from '@fsb/placement/placer';
import { type WriteBehind } from '../sandboxes/write-behind';
import { agentRequest, type CreateOrder } from './create-order';
import { type Created, type CreateMode } from './create-mode';
import { type PoolLookup } from './pool-lookup';

export interface FastParts {
  readonly pools: PoolLookup;
  readonly placer: Placer;
  readonly writeBehind: WriteBehind;
  readonly traffic: Traffic;
}

/** The container first; nothing here waits for Kubernetes once the pool is known. */
export class FastCreate implements CreateMode {
  constructor(private readonly parts: FastParts) {}

  async create(given: CreateOrder, signal: AbortSignal, deadline: number): Promise<Created> {
    const pool = await this.parts.pools.require(given, deadline);
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
    const { agent, createdAt, endpoints, stages } = await this.parts.traffic.during(() =>
      this.parts.placer.place(request, signal, deadline),
    );
    const { sandboxId } = sandbox;
    const since = Date.now();
    this.parts.writeBehind.record({ order, agent, sandboxId, createdAt, stages, since, cancelled: false });
    return { response: { sandboxId, agentPod: agent.name, endpoints: [...endpoints], sandboxName: name }, stages };
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
