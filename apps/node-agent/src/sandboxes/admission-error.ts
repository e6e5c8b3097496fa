import { type FreeCapacity, type NamedDelete } from '@fsb/agent-api/agent-api';
import { type Refusal } from './admission';

/** A refusal before any effect, answered as HTTP 409 with the capacity that is free. */
export class AdmissionError extends Error {
  override readonly name = 'AdmissionError';

  constructor(
    readonly refusal: Refusal,
    readonly free: FreeCapacity,
    /** the delete by name that may have overtaken the create */
    readonly deleted?: NamedDelete,
  ) {
    super(refusal.message);
  }
}
