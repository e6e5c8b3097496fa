import { type ServerUnaryCall } from '@grpc/grpc-js';

/**
 * The caller's deadline in Unix milliseconds.
 * @param limits milliseconds from now: where the caller set none, and the most that is granted
 */
export function callDeadline<Q, R>(
  call: ServerUnaryCall<Q, R>,
  [absent, most]: readonly [absent: number, most: number],
): number {
  const given = call.getDeadline();
  const deadline = typeof given === 'number' ? given : given.getTime();
  const now = Date.now();
  return Number.isFinite(deadline) ? Math.min(deadline, now + most) : now + absent;
}
