import { type ServerUnaryCall, type ServerWritableStream } from '@grpc/grpc-js';

/** Aborts when the caller cancels or its deadline passes. */
export function callSignal<Q, R>(call: ServerUnaryCall<Q, R> | ServerWritableStream<Q, R>): AbortSignal {
  const controller = new AbortController();
  if (call.cancelled) controller.abort();
  else
    call.once('cancelled', () => {
      controller.abort();
    });
  return controller.signal;
}
