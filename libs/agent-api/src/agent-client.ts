/** Client of the agent's HTTP API. `status-stream.ts` follows an agent's status. */
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
  withoutNulls,
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

/** Effect of a call without an answer. Only after `none` may a sandbox be placed elsewhere. */
export type CallEffect = 'none' | 'unknown';

/** A call without a usable answer: `unavailable` if it had no effect, `deadline_exceeded` if its effect is unknown. */
export class AgentCallError extends ApiError {
  constructor(
    readonly effect: CallEffect,
    message: string,
    options?: ErrorOptions,
  ) {
    super(effect === 'none' ? 'unavailable' : 'deadline_exceeded', message, options);
  }
}

/** Final answers to a request for a log; any other may be retried. 410: the kept log was removed to free space. */
const LOG_REFUSALS: Readonly<Record<number, ErrorCode>> = { 404: 'not_found', 410: 'failed_precondition' };

export interface AgentClientOptions {
  /** client identity, and the CA of the agents */
  readonly tls: TlsSource;
  readonly port: number;
  /** timeout of calls without a deadline, and for the headers of logs and watches, in milliseconds; default 5,000 */
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
  /** limit of the answer's body */
  readonly maxBytes?: number;
}
/** A call without a deadline of its own. */
type Command = Omit<Call, 'signal'> & {
  readonly signal?: AbortSignal | undefined;
  /** an older agent may lack the path: 404 counts as an answer */
  readonly mayLack?: boolean;
};

/** Default timeout of a call without a deadline: that of the Go predecessor's clients. */
const CALL_MS = 5_000;
/** Far above any answer of an agent except its status. */
const MAX_BODY_BYTES = 1024 * 1024;
/** Room for about 100,000 sandboxes. */
const MAX_STATUS_BYTES = 64 * 1024 * 1024;

/**
 * Client of all agents, over keep-alive connections of mutual TLS: a call costs 0.3 ms on loopback. A call reaches only
 * the agent Pod with the given uid.
 */
export class AgentClient {
  private connections: Agent;
  private readonly callMs: number;

  constructor(private readonly options: AgentClientOptions) {
    this.callMs = options.callMs ?? CALL_MS;
    this.connections = connectionsOf(options.tls.current);
    options.tls.onChange((identity) => {
      const before = this.connections;
      this.connections = connectionsOf(identity);
      // connections in use still carry an answer or a stream
      for (const socket of Object.values(before.freeSockets).flat()) socket?.destroy();
    });
  }

  close(): void {
    this.connections.destroy();
  }

  /**
   * Creates a sandbox. Every answer of the agent is returned, refusals and failures too, with their `code`.
   * @param deadline Unix milliseconds
   * @throws AgentCallError if there was no usable answer; its `effect` says whether another agent may be tried
   * @example await client.create({ address, podUid }, { sandbox }, signal, Date.now() + 5_000)
   */
  async create(
    agent: AgentEndpoint,
    request: CreateSandboxRequest,
    signal: AbortSignal,
    deadline: number,
  ): Promise<CreateSandboxResponse> {
    return limited(deadline - Date.now(), signal, (limit) => this.send(agent, request, limit));
  }

  /**
   * Begins to end a sandbox; an unknown id is success.
   * @param how keepLog, gracePeriodSeconds, generation
   * @throws ApiError unavailable, or AgentCallError if there was no answer
   */
  async delete(
    agent: AgentEndpoint,
    sandboxId: string,
    signal?: AbortSignal,
    how: Omit<DeleteSandboxRequest, 'sandboxId'> = {},
  ): Promise<DeleteSandboxResponse> {
    const body = await this.command({ agent, path: AGENT_PATHS.delete, body: { sandboxId, ...how }, signal });
    return body as DeleteSandboxResponse; // status 200 was checked; the agent is ours
  }

  /**
   * Binds a sandbox to its object.
   * @returns false if the agent no longer has the sandbox, or is ending it
   * @throws ApiError unavailable, or AgentCallError if there was no answer
   */
  async bind(agent: AgentEndpoint, request: BindSandboxRequest, signal?: AbortSignal): Promise<boolean> {
    const body = await this.command({ agent, path: AGENT_PATHS.bind, body: request, signal });
    return (body as BindSandboxResponse).bound !== false; // status 200 was checked; the agent is ours
  }

  /**
   * Ends every unbound sandbox of a name.
   * @returns the sandbox ids whose end has begun; none from an older agent without deletes by name
   * @throws ApiError unavailable, or AgentCallError if there was no answer
   */
  async ensureAbsent(
    agent: AgentEndpoint,
    request: EnsureAbsentRequest,
    signal?: AbortSignal,
  ): Promise<readonly string[]> {
    const body = await this.command({ agent, path: AGENT_PATHS.ensureAbsent, body: request, signal, mayLack: true });
    return (body as Partial<EnsureAbsentResponse>).ended ?? []; // status was checked; the agent is ours
  }

  /**
   * The agent's last delete of a name.
   * @returns undefined if there was none, or it is no longer remembered
   * @throws ApiError unavailable, or AgentCallError if there was no answer
   */
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

  /** One snapshot; to follow an agent, use AgentStatusStream. */
  async status(agent: AgentEndpoint, signal?: AbortSignal): Promise<AgentStatus> {
    const body = await this.command({ agent, path: AGENT_PATHS.status, signal, maxBytes: MAX_STATUS_BYTES });
    return withoutNulls(body as PlainStatus); // status 200 was checked; the agent is ours, or the Go predecessor's
  }

  /**
   * The log as it is on disk, in frames (decodeLogFrames) unless the agent is older. An unread answer is backpressure
   * on the agent.
   * @param openingMs timeout for the headers
   * @throws ApiError not_found; failed_precondition when a kept log was removed to free space; unavailable otherwise
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
      // a read is idempotent: it may be retried even if the request was sent
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
    throw new AgentCallError('unknown', `agent ${agent.address} answered ${status} to a create, without a result`);
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

  /** A streamed answer: the timeout applies to its headers only. */
  private stream(call: Call, openingMs: number): Promise<IncomingMessage> {
    return limited(openingMs, undefined, (opening) => this.open({ ...call, opening }));
  }

  /** The agent's message, if it arrives in time. Afterwards the answer holds no connection. */
  private async refusal(response: IncomingMessage): Promise<string> {
    const cut = setTimeout(() => response.destroy(), this.callMs);
    try {
      const { message } = JSON.parse(await readBody(response, MAX_BODY_BYTES)) as { message?: unknown };
      return typeof message === 'string' ? `: ${message}` : '';
    } catch {
      response.destroy();
      return ''; // the status alone is reported
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
      // the request is sent only after the agent has proven its identity
      if (request.reusedSocket) sent.maybe = true;
      else
        socket.once('secureConnect', () => {
          sent.maybe = true;
        });
    });
    try {
      return await exchange(request, body === undefined ? undefined : JSON.stringify(body), { signal, opening });
    } catch (error) {
      // without a connection nothing can have been sent
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
  // made once: otherwise each connection parses the PEM again, and it becomes part of the key of each pooled connection
  const secureContext = createSecureContext({ ...identity, minVersion: 'TLSv1.3' });
  return withoutUnhandledErrors(new Agent({ secureContext, keepAlive: true, maxFreeSockets: 1024 }));
}

function isCreateResponse(body: unknown): body is CreateSandboxResponse {
  return typeof body === 'object' && body !== null && 'success' in body && typeof body.success === 'boolean';
}
