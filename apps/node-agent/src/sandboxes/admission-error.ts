import { type FreeCapacity, type NamedDelete } from '@fsb/agent-api/agent-api';
import { type Refusal } from './admission';

/** A refusal before any effect: HTTP 409 with what is left. */
export class AdmissionError extends Error {
  override readonly name = 'AdmissionError';

  constructor(
    readonly refusal: Refusal,
    readonly free: FreeCapacity,
    /** the delete by name that came between */
    readonly deleted?: NamedDelete,
  ) {
    super(refusal.message);
  }
}
