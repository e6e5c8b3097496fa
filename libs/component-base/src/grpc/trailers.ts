import { Metadata } from '@grpc/grpc-js';
import { beforeStatus } from './before-status';

/** Trailers by the metadata of the request. */
const trailers = new WeakMap<Metadata, Readonly<Record<string, string>>>();

/**
 * Sends trailing metadata with the answer of a call, which Nest's unary handlers cannot. The server needs
 * {@link trailersInterceptor}.
 * @param request metadata of the call's request
 */
export function setTrailers(request: Metadata, values: Readonly<Record<string, string>>): void {
  trailers.set(request, values);
}

export const trailersInterceptor = beforeStatus((status, request) => {
  const values = trailers.get(request);
  if (!values) return status;
  const metadata = status.metadata ?? new Metadata();
  for (const [name, value] of Object.entries(values)) metadata.set(name, value);
  return { ...status, metadata };
});
