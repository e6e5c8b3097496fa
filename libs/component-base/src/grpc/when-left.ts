import { type Metadata, type ServerUnaryCall } from '@grpc/grpc-js';
import { beforeStatus } from './before-status';

/** By the metadata of the request. */
const answered = new WeakSet<Metadata>();

/** Notes the calls whose status is sent, for {@link whenLeft}. */
export const answeredInterceptor = beforeStatus((status, request) => {
  answered.add(request);
  return status;
});

/**
 * Calls `act` where the caller leaves before the status of its call is sent, whatever the handler has returned by then. grpc-js
 * says "cancelled" of every call, of an answered one when it is over. Who leaves while the answer is on its way is not noticed.
 */
export function whenLeft<Q, R>(call: ServerUnaryCall<Q, R>, request: Metadata, act: () => void): void {
  const look = (): void => {
    if (!answered.has(request)) act();
  };
  if (call.cancelled) look();
  else call.once('cancelled', look);
}
