import { type IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { AgentClient, type LogsQuery } from '@fsb/agent-api/agent-client';
import { decodeLogExit, LOG_EXIT_TRAILER, type LogExit } from '@fsb/agent-api/log-exit';
import { decodeLogFrames } from '@fsb/agent-api/log-frames';
import { ApiError, isApiError } from '@fsb/api/errors';
import { type SandboxInfo } from '@fsb/api/gen/fastpath/v1/fastpath';
import { LogStream, type StreamLogsRequest, type StreamLogsResponse } from '@fsb/api/gen/fastpath/v1/logs';
import { lastSandboxId, previousSandboxId } from '@fsb/api/sandbox-id';
import { Catalog } from './catalog';
import { invalid, namespaceName, objectName } from './field-rules';
import { notFound, requireId } from './sandbox-queries';

/** Agents asked for the log of a removed container, one after the other. */
const MOST_AGENTS = 64;
const STREAMS: Readonly<Record<number, 'both' | 'stdout' | 'stderr'>> = {
  [LogStream.LOG_STREAM_UNSPECIFIED]: 'both',
  [LogStream.LOG_STREAM_STDOUT]: 'stdout',
  [LogStream.LOG_STREAM_STDERR]: 'stderr',
};
/**
 * Milliseconds to wait for the one agent that has the log of a present container, as long as for a create: it may be
 * short of CPU. An agent that is gone refuses the connection at once.
 */
const BUSY_AGENT_MS = 30_000;

/** Streams a sandbox's log from the agent that has it, chunk by chunk, with backpressure. */
@Injectable()
export class SandboxLogReader {
  constructor(
    private readonly catalog: Catalog,
    private readonly agents: AgentClient,
  ) {}

  /**
   * Opens the log of a sandbox, or of its previous container.
   * @throws ApiError invalid_argument, when a field is malformed
   * @throws ApiError not_found, when there is no such sandbox, or its log went with its agent
   * @throws ApiError failed_precondition, for another sandbox id, no previous container, or a log that is gone
   * @throws ApiError unavailable, when there is no container yet, or the agent is out of reach
   */
  async open(request: StreamLogsRequest, signal: AbortSignal): Promise<OpenSandboxLog> {
    const namespace = namespaceName(request.namespace);
    const name = objectName('sandbox_name', request.sandboxName);
    const { tailLines } = request;
    if (tailLines !== undefined && tailLines < 0) throw invalid('tail_lines', `${tailLines} must be 0 or more`);
    const sandbox = this.catalog.find(namespace, name);
    if (!sandbox) throw notFound(namespace, name);
    requireId(sandbox, request.sandboxId);
    const stream = STREAMS[request.stream];
    if (stream === undefined) throw invalid('stream', `${request.stream} must be 0 (both), 1 (stdout) or 2 (stderr)`);
    const query = {
      follow: request.follow,
      ...(tailLines === undefined ? {} : { tailLines }),
      ...(stream === 'both' ? {} : { stream }),
    };
    if (request.previous) return this.openRemoved(sandbox, this.previousId(sandbox), query, signal);
    if (sandbox.sandboxId === '') return this.openRemoved(sandbox, this.lastId(sandbox), query, signal);
    const agent = this.catalog.agentOf(sandbox);
    if (!agent) throw new ApiError('not_found', `the log of "${name}" is gone with its agent ${sandbox.agentPod}`);
    const own = { ...query, sandboxId: sandbox.sandboxId };
    return chunks(await this.agents.logs(agent, own, signal, BUSY_AGENT_MS), query.stream);
  }

  /**
   * Opens the log of a removed container. The object no longer names its agent, so the agents of the pool are asked.
   */
  private async openRemoved(
    sandbox: SandboxInfo,
    sandboxId: string,
    query: Omit<LogsQuery, 'sandboxId'>,
    signal: AbortSignal,
  ): Promise<OpenSandboxLog> {
    let unseen: ApiError | undefined;
    for (const agent of this.catalog.agentsOf(sandbox).slice(0, MOST_AGENTS)) {
      try {
        return chunks(await this.agents.logs(agent, { ...query, sandboxId }, signal), query.stream);
      } catch (error) {
        if (isApiError(error, 'failed_precondition')) throw error; // names the reason why the log is gone
        if (!isApiError(error)) throw error;
        if (error.code !== 'not_found') unseen = error;
      }
    }
    if (unseen) throw unseen;
    const where = `no agent of pool "${sandbox.poolRef}" has it; its agent may be gone`;
    throw new ApiError(
      'not_found',
      `the log of container ${sandboxId} of "${sandbox.sandboxName}" is not kept any more; ${where}`,
    );
  }

  /** @throws ApiError failed_precondition, when there was no earlier container */
  private previousId({ namespace, sandboxName }: SandboxInfo): string {
    const object = this.catalog.object(`${namespace}/${sandboxName}`);
    const id = object && previousSandboxId(object);
    if (id !== undefined) return id;
    const why = 'it was neither reset nor recreated by AutoRecreate';
    throw new ApiError('failed_precondition', `previous: "${sandboxName}" has had no other container; ${why}`);
  }

  /** @throws ApiError unavailable, when there is no container yet */
  private lastId({ namespace, sandboxName, phase }: SandboxInfo): string {
    const object = this.catalog.object(`${namespace}/${sandboxName}`);
    const id = object ? lastSandboxId(object) : '';
    if (id !== '') return id;
    const next = 'ask again when it runs, or with previous for the log of the container before';
    throw new ApiError('unavailable', `sandbox "${sandboxName}" is ${phase} and has no container yet; ${next}`);
  }
}

/** Chunks of a log. The return value is the sandbox's exit; undefined when the log was not followed to its end. */
export type OpenSandboxLog = AsyncGenerator<StreamLogsResponse, LogExit | undefined>;

async function* chunks(source: IncomingMessage, stream: LogsQuery['stream']): OpenSandboxLog {
  for await (const message of decodeLogFrames(source)) {
    // an older agent, which has no streams, sends everything as stdout
    if (stream !== 'stderr' || message.turns.length > 0) yield message;
  }
  return decodeLogExit(source.trailers[LOG_EXIT_TRAILER]);
}
