import { type FastifyReply } from 'fastify';

/** A signal that aborts when the caller closes the connection before the answer is complete. */
export function callerSignal(reply: FastifyReply): AbortSignal {
  const left = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) left.abort();
  });
  return left.signal;
}
