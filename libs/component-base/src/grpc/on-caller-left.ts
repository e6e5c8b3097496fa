import { type Metadata, type ServerUnaryCall } from '@grpc/grpc-js';
import { beforeStatus } from './before-status';

/** Metadata of the requests whose status was sent. */
const answered = new WeakSet<Metadata>();

/** Records the calls whose status is sent, for {@link onCallerLeft}. */
export const answeredInterceptor = beforeStatus((status, request) => {
  answered.add(request);
  return status;
});

/**
 * Calls `act` if the caller leaves before the status is sent, even if the handler has returned. grpc-js emits
 * `cancelled` for every call, even for an answered one. A caller that leaves while the answer is in flight is missed.
 * The server needs {@link answeredInterceptor}.
 */
export function onCallerLeft<Q, R>(call: ServerUnaryCall<Q, R>, request: Metadata, act: () => void): void {
  const actIfUnanswered = (): void => {
    if (!answered.has(request)) act();
  };
  if (call.cancelled) actIfUnanswered();
  else call.once('cancelled', actIfUnanswered);
}
