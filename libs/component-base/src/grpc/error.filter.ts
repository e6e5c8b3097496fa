import { Catch, Logger, type RpcExceptionFilter } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { Metadata, status } from '@grpc/grpc-js';
import { ApiError, wireStatus } from '@fsb/api/errors';
import { type Observable, throwError } from 'rxjs';

/** Trailing metadata of a retryable failure: the pause before a retry, in milliseconds. */
const RETRY_DELAY = 'retry-delay-ms';

/** Statuses of grpc-js by number. */
const STATUSES = new Map(
  Object.values(status).flatMap((one) => (typeof one === 'number' ? [[one as number, one]] : [])),
);

/** The gRPC status of an ApiError; of any other failure, INTERNAL without its message. */
export function statusOf(error: unknown): { code: status; details: string; metadata: Metadata } {
  const metadata = new Metadata();
  if (!(error instanceof ApiError)) {
    return { code: status.INTERNAL, details: 'internal error; the gateway log says more', metadata };
  }
  if (error.retryDelayMs !== undefined) metadata.set(RETRY_DELAY, String(error.retryDelayMs));
  return { code: STATUSES.get(wireStatus(error.code).grpc) ?? status.INTERNAL, details: error.message, metadata };
}

/** The one place where a failure becomes a gRPC status. Any other error than an ApiError is logged, and hidden. */
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
