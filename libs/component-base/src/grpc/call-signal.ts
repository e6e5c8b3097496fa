import { type ServerUnaryCall, type ServerWritableStream } from '@grpc/grpc-js';

/** Made once: grpc-js emits `cancelled` at the end of every call, and a new Error would cost each a stack trace. */
const ENDED = new Error('the call has ended');

/** A signal that aborts when the caller cancels or its deadline passes, and when the call has ended. */
export function callSignal<Q, R>(call: ServerUnaryCall<Q, R> | ServerWritableStream<Q, R>): AbortSignal {
  const controller = new AbortController();
  if (call.cancelled) controller.abort(ENDED);
  else
    call.once('cancelled', () => {
      controller.abort(ENDED);
    });
  return controller.signal;
}
