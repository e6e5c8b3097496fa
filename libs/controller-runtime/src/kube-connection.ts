import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, type AgentOptions, request as httpsRequest, type RequestOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import { HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node';
import { ApiError, messageOf } from '@fsb/api/errors';
import { exchange, type ExchangeLimits, withoutUnhandledErrors } from '@fsb/component-base/http-exchange';
import { readBody } from '@fsb/component-base/read-body';
import { withDeadline } from './deadline';
import { kubeError, networkError } from './kube-error';

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** including the query */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Connections of the pool. Each watch holds one; a call that finds none waits until its deadline. */
const MAX_SOCKETS = 64;
/** Idle time of a connection, below any server's own: no request may go to a connection that the server is closing. */
const IDLE_MS = 30_000;
/** Silence before TCP keepalive. A vanished peer is detected ten seconds later: libuv probes ten times, each second. */
const TCP_KEEPALIVE_MS = 15_000;

/**
 * One keep-alive connection pool to the API server. client-node only reads the kubeconfig and authenticates: by itself
 * it makes an agent, and thus a TLS handshake, for every call, and its fetch takes a third of a call's time.
 */
export class KubeConnection {
  private agent: Promise<HttpAgent | HttpsAgent> | undefined;
  private readonly server: string;

  constructor(
    private readonly config: KubeConfig,
    private readonly userAgent: string,
  ) {
    const cluster = config.getCurrentCluster();
    if (!cluster) throw new ApiError('failed_precondition', 'the kubeconfig names no cluster');
    this.server = cluster.server.replace(/\/+$/, '');
  }

  /** @returns the parsed answer. @throws ApiError, a KubeError for any status other than 2xx */
  async call(request: KubeRequest): Promise<unknown> {
    const what = `${request.method} ${request.path}`;
    return withDeadline(what, request.deadlineMs, request.signal, async (signal) => {
      const response = await this.open(request, { signal });
      const text = await readBody(response);
      const { statusCode = 0 } = response;
      if (statusCode < 200 || statusCode > 299) throw kubeError(what, statusCode, text);
      return JSON.parse(text) as unknown;
    }).catch((error: unknown) => {
      throw networkError(what, error);
    });
  }

  /** The answer as a stream. The deadline applies to its headers only, the signal to all of it. @throws ApiError */
  async stream(request: KubeRequest): Promise<IncomingMessage> {
    const what = `${request.method} ${request.path}`;
    try {
      const response = await withDeadline(what, request.deadlineMs, request.signal, (opening) =>
        this.open(request, { opening, signal: request.signal }),
      );
      if (response.statusCode === 200) return response;
      throw kubeError(what, response.statusCode ?? 0, await readText(response));
    } catch (error) {
      throw networkError(what, error);
    }
  }

  async close(): Promise<void> {
    (await this.agent?.catch(() => undefined))?.destroy();
  }

  private async authenticated({ method, path, contentType }: KubeRequest): Promise<RequestContext> {
    const context = new RequestContext(`${this.server}${path}`, HttpMethod[method]);
    await this.config.applySecurityAuthentication(context);
    context.setAgent(await this.pool());
    context.setHeaderParam('accept', 'application/json');
    context.setHeaderParam('user-agent', this.userAgent);
    if (contentType) context.setHeaderParam('content-type', contentType);
    return context;
  }

  private async open(request: KubeRequest, limits: ExchangeLimits): Promise<IncomingMessage> {
    const context = await this.authenticated(request);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    // Node sets it by itself, but not for a DELETE
    if (body !== undefined) context.setHeaderParam('content-length', String(Buffer.byteLength(body)));
    const send = this.server.startsWith('https:') ? httpsRequest : httpRequest;
    const outgoing = send(context.getUrl(), {
      method: request.method,
      headers: context.getHeaders(),
      agent: context.getAgent(),
    });
    outgoing.once('socket', (socket) => socket.setKeepAlive(true, TCP_KEEPALIVE_MS));
    return exchange(outgoing, body, limits);
  }

  private pool(): Promise<HttpAgent | HttpsAgent> {
    this.agent ??= this.makePool().catch((error: unknown) => {
      this.agent = undefined; // retried: a credential file may not exist yet
      throw error;
    });
    return this.agent;
  }

  private async makePool(): Promise<HttpAgent | HttpsAgent> {
    const options: RequestOptions = {};
    await this.config.applyToHTTPSOptions(options);
    // only client-node's own agent connects through a proxy
    if (this.config.getCurrentCluster()?.proxyUrl && options.agent instanceof HttpAgent) {
      return withoutUnhandledErrors(options.agent);
    }
    const keepAlive = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: IDLE_MS } as const;
    if (this.server.startsWith('http:')) return withoutUnhandledErrors(new HttpAgent(keepAlive));
    return withoutUnhandledErrors(new HttpsAgent({ ...keepAlive, ...tlsOf(options) }));
  }
}

function tlsOf({ ca, cert, key, rejectUnauthorized, servername }: RequestOptions): AgentOptions {
  return {
    // made once: otherwise each connection parses the PEM again, and it becomes part of each pooled connection's key
    secureContext: createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    ...(servername === undefined ? {} : { servername }),
  };
}

/** The body of a refusal, for at most five seconds. @returns the error's message if it does not arrive whole */
async function readText(response: IncomingMessage): Promise<string> {
  const cut = setTimeout(() => response.destroy(), 5_000);
  try {
    return await readBody(response);
  } catch (error) {
    return messageOf(error);
  } finally {
    clearTimeout(cut);
  }
}
