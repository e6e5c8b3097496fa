import { type Stage } from '@fsb/agent-api/agent-api';
import { type CreateResponse } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type CreateOrder } from './create-order';
import { type CreateCourse } from './creates-under-way';

export interface Created {
  readonly response: CreateResponse;
  readonly stages: readonly Stage[];
}

/** What is to be made, with its pool's defaults, and the pool. */
export interface PooledOrder {
  readonly order: CreateOrder;
  readonly pool: SandboxPool;
}

/** One of the two ways to make a sandbox. */
export interface CreateMode {
  /** @throws ApiError */
  create(order: PooledOrder, course: CreateCourse): Promise<Created>;
}
