import { type ServerUnaryCall, type ServerWritableStream } from '@grpc/grpc-js';

import { type CreateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';

/** For callers that set no deadline, and the most that one may ask for. */
const CREATE_MS = [30_000, 600_000] as const;

/**
 * The caller's deadline in Unix milliseconds.
 * @param limits milliseconds from now: where the caller set none, and the most that is granted
 */
export function callDeadline<Q, R>(
  call: ServerUnaryCall<Q, R> | ServerWritableStream<Q, R>,
  [absent, most]: readonly [absent: number, most: number],
): number {
  const given = call.getDeadline();
  const deadline = typeof given === 'number' ? given : given.getTime();
  const now = Date.now();
  return Number.isFinite(deadline) ? Math.min(deadline, now + most) : now + absent;
}

/** Of a create: for callers that set no deadline, it begins when they have waited for room as long as they said. */
export function createDeadline<Q, R>(
  call: ServerUnaryCall<Q, R> | ServerWritableStream<Q, R>,
  { waitSeconds = 0 }: Partial<Pick<CreateRequest, 'waitSeconds'>>,
): number {
  const [absent, most] = CREATE_MS;
  return callDeadline(call, [Math.min(most, absent + Math.max(0, waitSeconds) * 1000), most]);
}
