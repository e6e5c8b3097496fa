/** The agent's HTTP API from the caller's side: typed calls here, the followed status in `status-stream.ts`. */
import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { ApiError } from '@fsb/api/errors';
import { readBody } from '@fsb/component-base/read-body';
import { inSpan, tracePosition } from '@fsb/component-base/tracing/tracing';
import {
  AGENT_PATHS,
  type AgentStatus,
  type BindSandboxRequest,
  type BindSandboxResponse,
  type CreateSandboxRequest,
  type CreateSandboxResponse,
  type DeleteSandboxResponse,
} from './agent-api';

/** What a call that got no answer may have done. Only after `none` may a sandbox be placed elsewhere. */
export type CallEffect = 'none' | 'unknown';

export class AgentCallError extends ApiError {
  constructor(
    readonly effect: CallEffect,
    message: string,
    options?: ErrorOptions,
  ) {
    super(effect === 'none' ? 'unavailable' : 'deadline_exceeded', message, options);
  }
}

export interface AgentClientOptions {
  readonly token: string;
  readonly port: number;
}
interface Answer {
  readonly status: number;
  readonly body: unknown;
}
interface Call {
  readonly address: string;
  readonly path: string;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

/** For the calls that have no deadline of their own: the original's clients give up after five seconds. */
const CALL_MS = 5_000;
/** Far above any answer of an agent but its status, which is read as a stream. */
const MAX_BODY_BYTES = 1024 * 1024;

/** Keep-alive connections to all agents: a call costs 0.2 ms on loopback. */
export class AgentClient {
  private readonly agent = new Agent({ keepAlive: true, maxFreeSockets: 1024 });

  constructor(private readonly options: AgentClientOptions) {}

  close(): void {
    this.agent.destroy();
  }

  /**
   * Every answer of the agent, refusals included, is a value; `code` says which.
   * @param deadline Unix milliseconds
   * @throws AgentCallError where there was no answer
   */
  async create(
    address: string,
    request: CreateSandboxRequest,
    signal: AbortSignal,
    deadline: number,
  ): Promise<CreateSandboxResponse> {
    // not AbortSignal.any and timeout: on Node 20 each call of the hot path would leave something behind
    const limit = new AbortController();
    const abort = (): void => {
      limit.abort();
    };
    const timer = setTimeout(abort, Math.max(0, deadline - Date.now()));
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      return await this.send(address, request, limit.signal);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  async delete(address: string, sandboxId: string, signal?: AbortSignal): Promise<DeleteSandboxResponse> {
    const body = await this.command(address, AGENT_PATHS.delete, { sandboxId }, signal);
    return body as DeleteSandboxResponse; // status 200 was checked; the agent is ours
  }

  /** @returns false where the agent has no such sandbox any more, or is ending it */
  async bind(address: string, request: BindSandboxRequest, signal?: AbortSignal): Promise<boolean> {
    const body = await this.command(address, AGENT_PATHS.bind, request, signal);
    return (body as BindSandboxResponse).bound !== false; // status 200 was checked; the agent is ours
  }

  async drain(address: string, draining: boolean, signal?: AbortSignal): Promise<void> {
    await this.command(address, AGENT_PATHS.drain, { draining }, signal);
  }

  /** One snapshot; whoever wants to stay informed follows the stream. */
  async status(address: string, signal?: AbortSignal): Promise<AgentStatus> {
    const body = await this.command(address, AGENT_PATHS.status, undefined, signal);
    return body as AgentStatus; // status 200 was checked; the agent is ours
  }

  /** The log as it is on disk; unread, it holds the agent back. @throws ApiError not_found */
  async logs(
    address: string,
    query: { sandboxId: string; follow: boolean; tailLines?: number },
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const search = new URLSearchParams({ sandboxId: query.sandboxId, follow: String(query.follow) });
    if (query.tailLines !== undefined) search.set('tailLines', String(query.tailLines));
    const response = await this.open({ address, path: `${AGENT_PATHS.logs}?${search.toString()}`, signal });
    if (response.statusCode === 200) return response;
    response.resume();
    const what = `log of ${query.sandboxId}: agent ${address} answered ${response.statusCode ?? 0}`;
    throw new ApiError(response.statusCode === 404 ? 'not_found' : 'unavailable', what);
  }

  /** The status as a stream of lines; see AgentStatusStream. */
  watch(address: string, signal: AbortSignal): Promise<IncomingMessage> {
    return this.open({ address, path: `${AGENT_PATHS.status}?watch=true`, signal });
  }

  private async send(
    address: string,
    request: CreateSandboxRequest,
    signal: AbortSignal,
  ): Promise<CreateSandboxResponse> {
    const { status, body } = await this.call({ address, path: AGENT_PATHS.create, body: request, signal });
    if (isCreateResponse(body)) return body;
    throw new AgentCallError('unknown', `agent ${address} answered ${status} to a create, not in its own words`);
  }

  private async command(address: string, path: string, body: unknown, signal?: AbortSignal): Promise<unknown> {
    const timeout = AbortSignal.timeout(CALL_MS);
    const limited = signal ? AbortSignal.any([signal, timeout]) : timeout;
    const answer = await this.call({ address, path, body, signal: limited });
    if (answer.status === 200) return answer.body;
    throw new ApiError('unavailable', `agent ${address} answered ${answer.status} to ${path}`);
  }

  private call(call: Call): Promise<Answer> {
    const { address, path } = call;
    const span = { name: `agent ${path}`, kind: 'client', attributes: { 'server.address': address } } as const;
    return inSpan(span, () => this.exchange(call));
  }

  private async exchange(call: Call): Promise<Answer> {
    const response = await this.open(call);
    try {
      return {
        status: response.statusCode ?? 0,
        body: JSON.parse(await readBody(response, MAX_BODY_BYTES)) as unknown,
      };
    } catch (error) {
      throw new AgentCallError('unknown', `agent ${call.address}: ${call.path}: broken answer`, { cause: error });
    }
  }

  private open(call: Call): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = this.begin(call);
      let connected = false;
      request.once('socket', (socket) => {
        if (!socket.connecting) connected = true;
        else
          socket.once('connect', () => {
            connected = true;
          });
      });
      request.once('response', (response) => {
        response.on('error', () => undefined); // its reader is told; there may be none any more
        resolve(response);
      });
      request.on('error', (error) => {
        // before there was a connection nothing can have been sent
        const effect = connected ? 'unknown' : 'none';
        reject(new AgentCallError(effect, `agent ${call.address}: ${call.path}: ${error.message}`, { cause: error }));
      });
      request.end(call.body === undefined ? undefined : JSON.stringify(call.body));
    });
  }

  private begin({ address, path, body, signal }: Call): ClientRequest {
    const position = tracePosition();
    return httpRequest({
      agent: this.agent,
      host: address,
      port: this.options.port,
      method: body === undefined ? 'GET' : 'POST',
      path,
      signal,
      headers: {
        authorization: `Bearer ${this.options.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(position ? { traceparent: position.traceparent } : {}),
      },
    });
  }
}

function isCreateResponse(body: unknown): body is CreateSandboxResponse {
  return typeof body === 'object' && body !== null && 'success' in body && typeof body.success === 'boolean';
}
