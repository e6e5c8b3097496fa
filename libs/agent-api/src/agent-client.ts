/** The agent's HTTP API from the caller's side: typed calls here, the followed status in `status-stream.ts`. */
import { type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { createSecureContext } from 'node:tls';
import { ApiError } from '@fsb/api/errors';
import { readBody } from '@fsb/component-base/read-body';
import { type TlsIdentity, type TlsSource } from '@fsb/component-base/tls-folder';
import { inSpan, tracePosition } from '@fsb/component-base/tracing/tracing';
import {
  AGENT_PATHS,
  type AgentStatus,
  type BindSandboxRequest,
  type BindSandboxResponse,
  completed,
  type CreateSandboxRequest,
  type CreateSandboxResponse,
  type DeleteSandboxResponse,
  type PlainStatus,
} from './agent-api';
import { type AgentEndpoint, agentServerName } from './agent-endpoint';

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
  /** as the agents know their callers */
  readonly tls: TlsSource;
  readonly port: number;
}
interface Answer {
  readonly status: number;
  readonly body: unknown;
}
interface Call {
  readonly agent: AgentEndpoint;
  readonly path: string;
  readonly body?: unknown;
  readonly signal: AbortSignal;
  /** of the answer */
  readonly maxBytes?: number;
}
/** A call that has no deadline of its own. */
type Command = Omit<Call, 'signal'> & { readonly signal?: AbortSignal | undefined };

/** For the calls that have no deadline of their own: the original's clients give up after five seconds. */
const CALL_MS = 5_000;
/** Far above any answer of an agent but its status. */
const MAX_BODY_BYTES = 1024 * 1024;
/** Some 100,000 sandboxes. */
const MAX_STATUS_BYTES = 64 * 1024 * 1024;

/** Keep-alive connections to all agents, each of which must be the Pod that is meant: a call costs 0.3 ms on loopback. */
export class AgentClient {
  private connections: Agent;

  constructor(private readonly options: AgentClientOptions) {
    this.connections = connectionsOf(options.tls.current);
    options.tls.onChange((identity) => {
      const before = this.connections;
      this.connections = connectionsOf(identity);
      // those in use are an answer's, or a stream's
      for (const socket of Object.values(before.freeSockets).flat()) socket?.destroy();
    });
  }

  close(): void {
    this.connections.destroy();
  }

  /**
   * Every answer of the agent, refusals included, is a value; `code` says which.
   * @param deadline Unix milliseconds
   * @throws AgentCallError where there was no answer
   */
  async create(
    agent: AgentEndpoint,
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
      return await this.send(agent, request, limit.signal);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  async delete(agent: AgentEndpoint, sandboxId: string, signal?: AbortSignal): Promise<DeleteSandboxResponse> {
    const body = await this.command({ agent, path: AGENT_PATHS.delete, body: { sandboxId }, signal });
    return body as DeleteSandboxResponse; // status 200 was checked; the agent is ours
  }

  /** @returns false where the agent has no such sandbox any more, or is ending it */
  async bind(agent: AgentEndpoint, request: BindSandboxRequest, signal?: AbortSignal): Promise<boolean> {
    const body = await this.command({ agent, path: AGENT_PATHS.bind, body: request, signal });
    return (body as BindSandboxResponse).bound !== false; // status 200 was checked; the agent is ours
  }

  async drain(agent: AgentEndpoint, draining: boolean, signal?: AbortSignal): Promise<void> {
    await this.command({ agent, path: AGENT_PATHS.drain, body: { draining }, signal });
  }

  /** One snapshot; whoever wants to stay informed follows the stream. */
  async status(agent: AgentEndpoint, signal?: AbortSignal): Promise<AgentStatus> {
    const body = await this.command({ agent, path: AGENT_PATHS.status, signal, maxBytes: MAX_STATUS_BYTES });
    return completed(body as PlainStatus); // status 200 was checked; the agent is ours, or the original's
  }

  /** The log as it is on disk; unread, it holds the agent back. @throws ApiError not_found */
  async logs(
    agent: AgentEndpoint,
    query: { sandboxId: string; follow: boolean; tailLines?: number },
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const search = new URLSearchParams({ sandboxId: query.sandboxId, follow: String(query.follow) });
    if (query.tailLines !== undefined) search.set('tailLines', String(query.tailLines));
    const response = await this.open({ agent, path: `${AGENT_PATHS.logs}?${search.toString()}`, signal });
    if (response.statusCode === 200) return response;
    response.resume();
    const what = `log of ${query.sandboxId}: agent ${agent.address} answered ${response.statusCode ?? 0}`;
    throw new ApiError(response.statusCode === 404 ? 'not_found' : 'unavailable', what);
  }

  /** The status as a stream of lines; see AgentStatusStream. */
  watch(agent: AgentEndpoint, signal: AbortSignal): Promise<IncomingMessage> {
    return this.open({ agent, path: `${AGENT_PATHS.status}?watch=true`, signal });
  }

  private async send(
    agent: AgentEndpoint,
    request: CreateSandboxRequest,
    signal: AbortSignal,
  ): Promise<CreateSandboxResponse> {
    const { status, body } = await this.call({ agent, path: AGENT_PATHS.create, body: request, signal });
    if (isCreateResponse(body)) return body;
    throw new AgentCallError('unknown', `agent ${agent.address} answered ${status} to a create, not in its own words`);
  }

  private async command(command: Command): Promise<unknown> {
    const { agent, path, signal } = command;
    const timeout = AbortSignal.timeout(CALL_MS);
    const limited = signal ? AbortSignal.any([signal, timeout]) : timeout;
    const answer = await this.call({ ...command, signal: limited });
    if (answer.status === 200) return answer.body;
    throw new ApiError('unavailable', `agent ${agent.address} answered ${answer.status} to ${path}`);
  }

  private call(call: Call): Promise<Answer> {
    const { agent, path } = call;
    const span = { name: `agent ${path}`, kind: 'client', attributes: { 'server.address': agent.address } } as const;
    return inSpan(span, () => this.exchange(call));
  }

  private async exchange(call: Call): Promise<Answer> {
    const response = await this.open(call);
    try {
      return {
        status: response.statusCode ?? 0,
        body: JSON.parse(await readBody(response, call.maxBytes ?? MAX_BODY_BYTES)) as unknown,
      };
    } catch (error) {
      throw new AgentCallError('unknown', `agent ${call.agent.address}: ${call.path}: broken answer`, { cause: error });
    }
  }

  private open(call: Call): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { signal } = call;
      const request = this.begin(call);
      // not the option of that name, which follows both streams to their ends with listeners of its own
      const abort = (): void => {
        request.destroy(new Error('aborted'));
      };
      signal.addEventListener('abort', abort, { once: true });
      request.once('close', () => {
        signal.removeEventListener('abort', abort);
      });
      let connected = false;
      request.once('socket', (socket) => {
        // the request is not sent before the agent has proven which one it is
        if (request.reusedSocket) connected = true;
        else
          socket.once('secureConnect', () => {
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
        reject(
          new AgentCallError(effect, `agent ${call.agent.address}: ${call.path}: ${error.message}`, { cause: error }),
        );
      });
      if (signal.aborted) abort();
      request.end(call.body === undefined ? undefined : JSON.stringify(call.body));
    });
  }

  private begin({ agent, path, body }: Call): ClientRequest {
    const position = tracePosition();
    return httpsRequest({
      agent: this.connections,
      host: agent.address,
      servername: agentServerName(agent.podUid),
      port: this.options.port,
      method: body === undefined ? 'GET' : 'POST',
      path,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(position ? { traceparent: position.traceparent } : {}),
      },
    });
  }
}

function connectionsOf(identity: TlsIdentity): Agent {
  // made once: else each connection reads the PEM anew, and each call carries it in the name of its connection
  const secureContext = createSecureContext({ ...identity, minVersion: 'TLSv1.3' });
  return new Agent({ secureContext, keepAlive: true, maxFreeSockets: 1024 });
}

function isCreateResponse(body: unknown): body is CreateSandboxResponse {
  return typeof body === 'object' && body !== null && 'success' in body && typeof body.success === 'boolean';
}
