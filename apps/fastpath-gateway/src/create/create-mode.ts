import { type Stage } from '@fsb/agent-api/agent-api';
import { type CreateResponse } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type ValidatedCreate } from './validated-create';
import { type CreateInFlight } from './creates-in-flight';

export interface CreatedSandbox {
  readonly response: CreateResponse;
  readonly stages: readonly Stage[];
}

/** A checked create with the defaults of its pool, and the pool. */
export interface PooledCreate {
  readonly order: ValidatedCreate;
  readonly pool: SandboxPool;
}

/** A mode of creation: FAST or STRONG. */
export interface CreateMode {
  /** @throws ApiError with the code of the answer */
  create(order: PooledCreate, course: CreateInFlight): Promise<CreatedSandbox>;
}
