import { once } from 'node:events';
import { type ServerWritableStream } from '@grpc/grpc-js';
import { EMPTY, type Observable } from 'rxjs';

/**
 * Writes each chunk and waits for `drain` when the transport is full: Nest's own Observable streaming pulls without
 * bound from the source when the reader is slow. The EMPTY that it returns makes Nest end the call.
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
