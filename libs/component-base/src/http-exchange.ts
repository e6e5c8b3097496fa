import { type Agent, type ClientRequest, type IncomingMessage } from 'node:http';

const ignored = (): void => undefined;

/**
 * Gives every socket of `agent` an error listener for life. Node has none on a socket between the end of an answer and the
 * return to the pool, nor on one whose request was given up before it got its socket: an error there ends the process.
 */
export function withoutUnhandledErrors<A extends Agent>(agent: A): A {
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => create(options, callback)?.on('error', ignored);
  return agent;
}

export interface ExchangeLimits {
  /** Aborts the wait for the headers. */
  readonly opening?: AbortSignal | undefined;
  /** Aborts the whole exchange, also while the body is read. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends `body` and resolves with the answer once its headers have come. An abort destroys the socket without an error of its
 * own: `destroy(error)` would be emitted on whatever holds the socket at that moment. No listener stays on the signals.
 * @param request of an agent made by {@link withoutUnhandledErrors}
 * @throws Error of the connection, before the headers; later errors are the reader's of the answer
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
      response.on('error', ignored); // its reader sees the end; there may be none any more
      resolve(response);
    });
    request.on('error', reject);
    request.once('close', () => {
      opening?.removeEventListener('abort', abort);
      signal?.removeEventListener('abort', abort);
      reject(new Error('the connection was closed before the answer')); // of no effect once there is one
    });
    if (opening?.aborted === true || signal?.aborted === true) abort();
    else request.end(body);
  });
}
