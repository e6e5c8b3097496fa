import { type ServiceError, status } from '@grpc/grpc-js';
import { ApiError, type ErrorCode } from '@fsb/api/errors';

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
