import { type ServerUnaryCall, type ServerWritableStream } from '@grpc/grpc-js';

import { type CreateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';

/** Milliseconds of a create: default of callers without a deadline, and maximum. */
const CREATE_MS = [30_000, 600_000] as const;

/**
 * The deadline of a call, in Unix milliseconds.
 * @param limits milliseconds from now: the default when the caller set no deadline, and the maximum
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

/** The deadline of a create, in Unix milliseconds. The default is extended by `wait_seconds`, the wait for room. */
export function createDeadline<Q, R>(
  call: ServerUnaryCall<Q, R> | ServerWritableStream<Q, R>,
  { waitSeconds = 0 }: Partial<Pick<CreateRequest, 'waitSeconds'>>,
): number {
  const [absent, most] = CREATE_MS;
  return callDeadline(call, [Math.min(most, absent + Math.max(0, waitSeconds) * 1000), most]);
}
