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

/** containerd's gRPC status in our vocabulary, by the only such table. The gRPC error is the cause. */
export function toApiError(error: ServiceError): ApiError {
  return new ApiError(CODE_OF.get(error.code) ?? 'internal', error.details || error.message, { cause: error });
}

/** Makes a removal idempotent: not_found is success. */
export async function absentIsFine(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isApiError(error, 'not_found')) throw error;
  }
}

/** Whether containerd was down or did not answer in time, so that the call may have had an effect. */
export function isAnswerless(error: unknown): boolean {
  return isApiError(error, 'unavailable') || isApiError(error, 'deadline_exceeded');
}

/** The image's snapshot was collected after it had been resolved. The call had no effect; resolve the image again. */
export class SnapshotGoneError extends ApiError {
  constructor(cause: unknown) {
    super('unavailable', "image: its unpacked layers are gone from the node's cache; try again", { cause });
  }
}

/** A create failed, and so did its cleanup: the caller must remove what is left. */
export class CleanupFailedError extends ApiError {
  constructor(cause: unknown) {
    super(isApiError(cause) ? cause.code : 'internal', messageOf(cause), { cause });
  }
}
