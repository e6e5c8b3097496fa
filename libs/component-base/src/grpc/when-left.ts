import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  type ServerUnaryCall,
} from '@grpc/grpc-js';

/** By the metadata of the request: the one object that both an interceptor and a handler are given. */
const answered = new WeakSet<Metadata>();

/** Notes the calls whose status is sent, for {@link whenLeft}. */
export const answeredInterceptor: ServerInterceptor = (_method, call) => {
  let request: Metadata | undefined;
  const listener = new ServerListenerBuilder()
    .withOnReceiveMetadata((metadata, next) => {
      request = metadata;
      next(metadata);
    })
    .build();
  const responder = new ResponderBuilder()
    .withStart((next) => {
      next(listener);
    })
    .withSendStatus((status, next) => {
      if (request) answered.add(request);
      next(status);
    })
    .build();
  return new ServerInterceptingCall(call, responder);
};

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
