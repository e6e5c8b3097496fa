import { type ServerUnaryCall, type ServerWritableStream } from '@grpc/grpc-js';

/** Made once: grpc-js says `cancelled` of every call that ends, and a reason of its own would cost each a stack trace. */
const ENDED = new Error('the call has ended');

/** Aborts when the caller cancels or its deadline passes. */
export function callSignal<Q, R>(call: ServerUnaryCall<Q, R> | ServerWritableStream<Q, R>): AbortSignal {
  const controller = new AbortController();
  if (call.cancelled) controller.abort(ENDED);
  else
    call.once('cancelled', () => {
      controller.abort(ENDED);
    });
  return controller.signal;
}
