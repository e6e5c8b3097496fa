import { type Agent, type ClientRequest, type IncomingMessage } from 'node:http';

const ignored = (): void => undefined;

/**
 * Gives every socket of `agent` a permanent error listener. Node has none on a socket between the end of an answer and
 * its return to the pool, or on one whose request was aborted before it got a socket: an error there ends the process.
 */
export function withoutUnhandledErrors<A extends Agent>(agent: A): A {
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => create(options, callback)?.on('error', ignored);
  return agent;
}

export interface ExchangeLimits {
  /** aborts the wait for the headers */
  readonly opening?: AbortSignal | undefined;
  /** aborts the whole exchange, including the body */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends `body` and resolves with the answer once its headers have arrived. An abort destroys the socket without an
 * error: `destroy(error)` would emit it on whatever holds the socket at that moment. No listener stays on the signals.
 * @param request of an agent that went through {@link withoutUnhandledErrors}
 * @throws Error of the connection before the headers; later errors reach the reader of the answer
 */
export function exchange(
  request: ClientRequest,
  body: string | undefined,
  { opening, signal }: ExchangeLimits,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let answer: IncomingMessage | undefined;
    const abort = (): void => {
      if (answer) answer.destroy();
      else request.destroy();
    };
    opening?.addEventListener('abort', abort, { once: true });
    signal?.addEventListener('abort', abort, { once: true });
    request.once('response', (response) => {
      answer = response;
      opening?.removeEventListener('abort', abort);
      response.on('error', ignored); // a reader sees the error itself, but may have left
      resolve(response);
    });
    request.on('error', reject);
    request.once('close', () => {
      opening?.removeEventListener('abort', abort);
      signal?.removeEventListener('abort', abort);
      reject(new Error('the connection was closed before the answer')); // has no effect after an answer
    });
    if (opening?.aborted === true || signal?.aborted === true) abort();
    else request.end(body);
  });
}
