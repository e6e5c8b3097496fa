import { once } from 'node:events';
import { type ServerWritableStream } from '@grpc/grpc-js';
import { EMPTY, type Observable } from 'rxjs';

/**
 * Writes each chunk with backpressure: waits for `drain` when the transport is full. Nest's own Observable streaming
 * buffers without bound for a slow reader.
 * @param signal ends the writing without an error
 * @returns EMPTY, which makes Nest end the call
 */
export async function writeAll<Q, T>(
  call: ServerWritableStream<Q, T>,
  chunks: AsyncIterable<T>,
  signal: AbortSignal,
): Promise<Observable<never>> {
  try {
    for await (const chunk of chunks) {
      if (!call.write(chunk)) await once(call, 'drain', { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return EMPTY;
}
