import { Catch, Logger, type RpcExceptionFilter } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { Metadata, status } from '@grpc/grpc-js';
import { ApiError, type ErrorCode } from '@fsb/api/errors';
import { type Observable, throwError } from 'rxjs';

const STATUS_OF: Readonly<Record<ErrorCode, status>> = {
  invalid_argument: status.INVALID_ARGUMENT,
  not_found: status.NOT_FOUND,
  already_exists: status.ALREADY_EXISTS,
  failed_precondition: status.FAILED_PRECONDITION,
  resource_exhausted: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  aborted: status.ABORTED,
  deadline_exceeded: status.DEADLINE_EXCEEDED,
  permission_denied: status.PERMISSION_DENIED,
  unauthenticated: status.UNAUTHENTICATED,
  unimplemented: status.UNIMPLEMENTED,
  internal: status.INTERNAL,
};

/** Trailing metadata of a failure that may well pass: when to try again. */
const RETRY_DELAY = 'retry-delay-ms';

/** The status of a failure that is an ApiError; of any other one, INTERNAL without its message. */
export function statusOf(error: unknown): { code: status; details: string; metadata: Metadata } {
  const metadata = new Metadata();
  if (!(error instanceof ApiError)) {
    return { code: status.INTERNAL, details: 'internal error; the gateway log says more', metadata };
  }
  if (error.retryDelayMs !== undefined) metadata.set(RETRY_DELAY, String(error.retryDelayMs));
  return { code: STATUS_OF[error.code], details: error.message, metadata };
}

/** The one place where a failure becomes a gRPC status. What is not ours is logged, and told to nobody. */
@Catch()
export class ApiErrorFilter implements RpcExceptionFilter {
  private readonly logger = new Logger(ApiErrorFilter.name);

  catch(error: unknown): Observable<never> {
    return throwError(() => this.toStatus(error));
  }

  private toStatus(error: unknown): object {
    if (error instanceof RpcException) return error;
    if (!(error instanceof ApiError)) this.logger.error({ msg: 'unexpected failure', err: error });
    const failure = statusOf(error);
    return { ...failure, message: failure.details };
  }
}
