import { type FastifyReply } from 'fastify';

/** Aborts when the caller closes the connection before it was answered. */
export function callerLeft(reply: FastifyReply): AbortSignal {
  const left = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) left.abort();
  });
  return left.signal;
}
