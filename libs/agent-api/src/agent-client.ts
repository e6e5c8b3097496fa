/** The agent's HTTP API from the caller's side: typed calls here, the followed status in `status-stream.ts`. */
import { type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { createSecureContext } from 'node:tls';
import { ApiError, type ErrorCode, messageOf } from '@fsb/api/errors';
import { exchange, withoutUnhandledErrors } from '@fsb/component-base/http-exchange';
import { limited } from '@fsb/component-base/limited';
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
  type DeleteSandboxRequest,
  type DeleteSandboxResponse,
  type EnsureAbsentRequest,
  type EnsureAbsentResponse,
  type LastDeleteResponse,
  type NamedDelete,
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

/** Other answers to who asks for a log mean that the agent may give it later. 410: it was kept, and went for others. */
const LOG_REFUSALS: Readonly<Record<number, ErrorCode>> = { 404: 'not_found', 410: 'failed_precondition' };

export interface AgentClientOptions {
  /** as the agents know their callers */
  readonly tls: TlsSource;
  readonly port: number;
  /** limit of calls without a deadline of their own, and of the headers of logs and watches, in milliseconds; default 5,000 */
  readonly callMs?: number;
}
export interface LogsQuery {
  readonly sandboxId: string;
  readonly follow: boolean;
  readonly tailLines?: number;
  /** absent: both */
  readonly stream?: 'stdout' | 'stderr';
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
  /** aborts the wait for the headers */
  readonly opening?: AbortSignal;
  /** of the answer */
  readonly maxBytes?: number;
}
/** A call that has no deadline of its own. */
type Command = Omit<Call, 'signal'> & {
  readonly signal?: AbortSignal | undefined;
  /** An older agent does not have the path: 404 is an answer. */
  readonly mayLack?: boolean;
};

/** For the calls that have no deadline of their own: the original's clients give up after five seconds. */
const CALL_MS = 5_000;
/** Far above any answer of an agent but its status. */
const MAX_BODY_BYTES = 1024 * 1024;
/** Some 100,000 sandboxes. */
const MAX_STATUS_BYTES = 64 * 1024 * 1024;

/** Keep-alive connections to all agents, each of which must be the Pod that is meant: a call costs 0.3 ms on loopback. */
export class AgentClient {
  private connections: Agent;
  private readonly callMs: number;

  constructor(private readonly options: AgentClientOptions) {
    this.callMs = options.callMs ?? CALL_MS;
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
    return limited(deadline - Date.now(), signal, (limit) => this.send(agent, request, limit));
  }

  /** @param how as the agent takes it: keepLog, gracePeriodSeconds, generation */
  async delete(
    agent: AgentEndpoint,
    sandboxId: string,
    signal?: AbortSignal,
    how: Omit<DeleteSandboxRequest, 'sandboxId'> = {},
  ): Promise<DeleteSandboxResponse> {
    const body = await this.command({ agent, path: AGENT_PATHS.delete, body: { sandboxId, ...how }, signal });
    return body as DeleteSandboxResponse; // status 200 was checked; the agent is ours
  }

  /** @returns false where the agent has no such sandbox any more, or is ending it */
  async bind(agent: AgentEndpoint, request: BindSandboxRequest, signal?: AbortSignal): Promise<boolean> {
    const body = await this.command({ agent, path: AGENT_PATHS.bind, body: request, signal });
    return (body as BindSandboxResponse).bound !== false; // status 200 was checked; the agent is ours
  }

  /**
   * Ends what has a name and no object.
   * @returns the sandbox ids whose end has begun; none from an agent that knows no deletes by name
   * @throws ApiError unavailable
   */
  async ensureAbsent(
    agent: AgentEndpoint,
    request: EnsureAbsentRequest,
    signal?: AbortSignal,
  ): Promise<readonly string[]> {
    const body = await this.command({ agent, path: AGENT_PATHS.ensureAbsent, body: request, signal, mayLack: true });
    return (body as Partial<EnsureAbsentResponse>).ended ?? []; // status was checked; the agent is ours
  }

  /** @returns undefined where the agent was not told to end what has the name, or does not remember it */
  async lastDelete(
    agent: AgentEndpoint,
    request: EnsureAbsentRequest,
    signal?: AbortSignal,
  ): Promise<NamedDelete | undefined> {
    const body = await this.command({ agent, path: AGENT_PATHS.lastDelete, body: request, signal, mayLack: true });
    return (body as Partial<LastDeleteResponse>).deleted; // status was checked; the agent is ours
  }

  async drain(agent: AgentEndpoint, draining: boolean, signal?: AbortSignal): Promise<void> {
    await this.command({ agent, path: AGENT_PATHS.drain, body: { draining }, signal });
  }

  /** One snapshot; whoever wants to stay informed follows the stream. */
  async status(agent: AgentEndpoint, signal?: AbortSignal): Promise<AgentStatus> {
    const body = await this.command({ agent, path: AGENT_PATHS.status, signal, maxBytes: MAX_STATUS_BYTES });
    return completed(body as PlainStatus); // status 200 was checked; the agent is ours, or the original's
  }

  /**
   * The log as it is on disk, in frames where the agent knows them (decodeLogFrames); unread, it holds the agent back.
   * @param openingMs limit of its headers
   * @throws ApiError not_found, failed_precondition where it was kept and went for others, unavailable
   */
  async logs(
    agent: AgentEndpoint,
    query: LogsQuery,
    signal: AbortSignal,
    openingMs = this.callMs,
  ): Promise<IncomingMessage> {
    const { sandboxId, follow } = query;
    const search = new URLSearchParams({ sandboxId, follow: String(follow), framed: 'true' });
    if (query.stream !== undefined) search.set('stream', query.stream);
    if (query.tailLines !== undefined) search.set('tailLines', String(query.tailLines));
    const call = { agent, path: `${AGENT_PATHS.logs}?${search.toString()}`, signal };
    const response = await this.stream(call, openingMs).catch((error: unknown) => {
      // reading changes nothing: whatever the agent has done of it, it may be asked again
      throw new ApiError('unavailable', messageOf(error), { cause: error });
    });
    if (response.statusCode === 200) return response;
    const why = await this.refusal(response);
    const what = `log of ${query.sandboxId}: agent ${agent.address} answered ${response.statusCode ?? 0}${why}`;
    throw new ApiError(LOG_REFUSALS[response.statusCode ?? 0] ?? 'unavailable', what);
  }

  /** The status as a stream of lines; see AgentStatusStream. */
  watch(agent: AgentEndpoint, signal: AbortSignal): Promise<IncomingMessage> {
    return this.stream({ agent, path: `${AGENT_PATHS.status}?watch=true`, signal }, this.callMs);
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
    const { agent, path } = command;
    const answer = await limited(this.callMs, command.signal, (signal) => this.call({ ...command, signal }));
    if (answer.status === 200 || (command.mayLack === true && answer.status === 404)) return answer.body;
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

  /** An answer without an end of its own: the limit is that of its headers. */
  private stream(call: Call, openingMs: number): Promise<IncomingMessage> {
    return limited(openingMs, undefined, (opening) => this.open({ ...call, opening }));
  }

  /** The agent's own words, as far as they come; afterwards the answer holds no connection. */
  private async refusal(response: IncomingMessage): Promise<string> {
    const cut = setTimeout(() => response.destroy(), this.callMs);
    try {
      const { message } = JSON.parse(await readBody(response, MAX_BODY_BYTES)) as { message?: unknown };
      return typeof message === 'string' ? `: ${message}` : '';
    } catch {
      response.destroy();
      return ''; // the status has said enough
    } finally {
      clearTimeout(cut);
    }
  }

  private async open(call: Call): Promise<IncomingMessage> {
    const { body, signal, opening } = call;
    if (isGivenUp(call)) throw this.unanswered(call, 'none', 'given up before it was sent');
    const request = this.begin(call);
    const sent = { maybe: false };
    request.once('socket', (socket) => {
      // the request is not sent before the agent has proven which one it is
      if (request.reusedSocket) sent.maybe = true;
      else
        socket.once('secureConnect', () => {
          sent.maybe = true;
        });
    });
    try {
      return await exchange(request, body === undefined ? undefined : JSON.stringify(body), { signal, opening });
    } catch (error) {
      // before there was a connection nothing can have been sent
      const effect = sent.maybe ? 'unknown' : 'none';
      throw this.unanswered(call, effect, isGivenUp(call) ? 'no answer in time' : messageOf(error), error);
    }
  }

  private unanswered({ agent, path }: Call, effect: CallEffect, why: string, cause?: unknown): AgentCallError {
    return new AgentCallError(effect, `agent ${agent.address}: ${path}: ${why}`, { cause });
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

function isGivenUp({ signal, opening }: Call): boolean {
  return signal.aborted || opening?.aborted === true;
}

function connectionsOf(identity: TlsIdentity): Agent {
  // made once: else each connection reads the PEM anew, and each call carries it in the name of its connection
  const secureContext = createSecureContext({ ...identity, minVersion: 'TLSv1.3' });
  return withoutUnhandledErrors(new Agent({ secureContext, keepAlive: true, maxFreeSockets: 1024 }));
}

function isCreateResponse(body: unknown): body is CreateSandboxResponse {
  return typeof body === 'object' && body !== null && 'success' in body && typeof body.success === 'boolean';
}
