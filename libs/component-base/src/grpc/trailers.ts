import {
  Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';

/** By the metadata of the request: the one object that both an interceptor and a handler are given. */
const trailers = new WeakMap<Metadata, Readonly<Record<string, string>>>();

/** Sends `values` behind the answer of the call that brought `request`. Nest's unary handlers have no way to. */
export function setTrailers(request: Metadata, values: Readonly<Record<string, string>>): void {
  trailers.set(request, values);
}

export const trailersInterceptor: ServerInterceptor = (_method, call) => {
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
      const values = request && trailers.get(request);
      if (!values) {
        next(status);
        return;
      }
      const metadata = status.metadata ?? new Metadata();
      for (const [name, value] of Object.entries(values)) metadata.set(name, value);
      next({ ...status, metadata });
    })
    .build();
  return new ServerInterceptingCall(call, responder);
};
