import { type Stage } from '@fsb/agent-api/agent-api';
import { type CreateResponse } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type CreateOrder } from './create-order';

export interface Created {
  readonly response: CreateResponse;
  readonly stages: readonly Stage[];
}

/** One of the two ways to make a sandbox. */
export interface CreateMode {
  /**
   * @param deadline Unix milliseconds
   * @throws ApiError
   */
  create(order: CreateOrder, signal: AbortSignal, deadline: number): Promise<Created>;
}
