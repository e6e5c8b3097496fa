import { type ServiceError, status } from '@grpc/grpc-js';
import { ApiError, type ErrorCode, isApiError, messageOf } from '@fsb/api/errors';

const CODE_OF: ReadonlyMap<status, ErrorCode> = new Map([
  [status.NOT_FOUND, 'not_found'],
  [status.ALREADY_EXISTS, 'already_exists'],
  [status.INVALID_ARGUMENT, 'invalid_argument'],
  [status.FAILED_PRECONDITION, 'failed_precondition'],
  [status.UNAVAILABLE, 'unavailable'],
  [status.DEADLINE_EXCEEDED, 'deadline_exceeded'],
  [status.CANCELLED, 'deadline_exceeded'],
  [status.UNIMPLEMENTED, 'unimplemented'],
  [status.RESOURCE_EXHAUSTED, 'resource_exhausted'],
]);

/** containerd's gRPC status in our vocabulary; the only such table. The original error is the cause. */
export function toApiError(error: ServiceError): ApiError {
  return new ApiError(CODE_OF.get(error.code) ?? 'internal', error.details || error.message, { cause: error });
}

/** For removals: what is gone already is success. */
export async function absentIsFine(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isApiError(error, 'not_found')) throw error;
  }
}

/** containerd was away, or did not answer in time: what was asked for may have happened. */
export function isAnswerless(error: unknown): boolean {
  return isApiError(error, 'unavailable') || isApiError(error, 'deadline_exceeded');
}

/** The unpacked layers of an image were collected after it had been resolved: nothing has happened, and it is to be resolved anew. */
export class SnapshotGoneError extends ApiError {
  constructor(cause: unknown) {
    super('unavailable', "image: its unpacked layers are gone from the node's cache; try again", { cause });
  }
}

/** A create failed, and so did the removal of what it had made: the caller has to see to it. */
export class LeftoverError extends ApiError {
  constructor(cause: unknown) {
    super(isApiError(cause) ? cause.code : 'internal', messageOf(cause), { cause });
  }
}
