import { DEFAULT_SANDBOXES_PER_POD, type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Traffic } from '@fsb/component-base/traffic';
import { type Placement, type PoolLimits } from '@fsb/placement/placement';
import { type Placer } from '@fsb/placement/placer';
import { type WriteBehind } from '../sandboxes/write-behind';
import { type FairSeats } from '../quota/fair-seats';
import { agentRequest } from './create-order';
import { type Created, type CreateMode, type PooledOrder } from './create-mode';

export interface FastParts {
  readonly placer: Placer;
  readonly writeBehind: WriteBehind;
  readonly traffic: Traffic;
  readonly seats: FairSeats;
}

/** The container first; nothing here waits for Kubernetes once the pool is known. */
export class FastCreate implements CreateMode {
  constructor(private readonly parts: FastParts) {}

  async create({ order, pool }: PooledOrder, signal: AbortSignal, deadline: number): Promise<Created> {
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
    const { traffic, seats, placer } = this.parts;
    const place = (): Promise<Placement> => traffic.during(() => placer.place(request, signal, deadline));
    const { agent, createdAt, endpoints, stages } = await seats.during(namespace, signal, deadline, place);
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
