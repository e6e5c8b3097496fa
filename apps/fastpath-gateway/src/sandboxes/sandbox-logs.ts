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

/** Agents that are asked for the log of a removed container, one after the other. */
const MOST_AGENTS = 64;
const STREAMS: Readonly<Record<number, 'both' | 'stdout' | 'stderr'>> = {
  [LogStream.LOG_STREAM_UNSPECIFIED]: 'both',
  [LogStream.LOG_STREAM_STDOUT]: 'stdout',
  [LogStream.LOG_STREAM_STDERR]: 'stderr',
};
/**
 * Only one agent has the log of a container that is there: an agent that is short of CPU is waited for, as long as a create waits. One that is
 * gone refuses the connection at once.
 */
const BUSY_AGENT_MS = 30_000;

/** A sandbox's log from the agent that has it, chunk by chunk as the caller takes it. */
@Injectable()
export class SandboxLogs {
  constructor(
    private readonly catalog: Catalog,
    private readonly agents: AgentClient,
  ) {}

  /** @throws ApiError not_found, failed_precondition, unavailable, invalid_argument */
  async open(request: StreamLogsRequest, signal: AbortSignal): Promise<OpenLog> {
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
    if (!agent) throw new ApiError('not_found', `the log of "${name}" went with its agent ${sandbox.agentPod}`);
    const own = { ...query, sandboxId: sandbox.sandboxId };
    return chunks(await this.agents.logs(agent, own, signal, BUSY_AGENT_MS), query.stream);
  }

  /** The log of a container that was removed: the object does not say any more where it was. */
  private async openRemoved(
    sandbox: SandboxInfo,
    sandboxId: string,
    query: Omit<LogsQuery, 'sandboxId'>,
    signal: AbortSignal,
  ): Promise<OpenLog> {
    let unseen: ApiError | undefined;
    for (const agent of this.catalog.agentsOf(sandbox).slice(0, MOST_AGENTS)) {
      try {
        return chunks(await this.agents.logs(agent, { ...query, sandboxId }, signal), query.stream);
      } catch (error) {
        if (isApiError(error, 'failed_precondition')) throw error; // the agent says why the log is gone
        if (!isApiError(error)) throw error;
        if (error.code !== 'not_found') unseen = error;
      }
    }
    if (unseen) throw unseen;
    const where = `no agent of pool "${sandbox.poolRef}" has it: it went with the agent that had the container`;
    throw new ApiError(
      'not_found',
      `the log of container ${sandboxId} of "${sandbox.sandboxName}" is not kept any more; ${where}`,
    );
  }

  /** @throws ApiError failed_precondition where there was no container before */
  private previousId({ namespace, sandboxName }: SandboxInfo): string {
    const object = this.catalog.object(`${namespace}/${sandboxName}`);
    const id = object && previousSandboxId(object);
    if (id !== undefined) return id;
    const why = 'it was neither reset nor made anew by AutoRecreate';
    throw new ApiError('failed_precondition', `previous: "${sandboxName}" has had no other container; ${why}`);
  }

  /** @throws ApiError unavailable where there is no container yet */
  private lastId({ namespace, sandboxName, phase }: SandboxInfo): string {
    const object = this.catalog.object(`${namespace}/${sandboxName}`);
    const id = object ? lastSandboxId(object) : '';
    if (id !== '') return id;
    const next = 'ask again when it runs, or with previous for the log of the container before';
    throw new ApiError('unavailable', `sandbox "${sandboxName}" is ${phase} and has no container yet; ${next}`);
  }
}

/** The chunks of a log. Its return value says how the sandbox ended: undefined where the log was not followed to that. */
export type OpenLog = AsyncGenerator<StreamLogsResponse, LogExit | undefined>;

async function* chunks(source: IncomingMessage, stream: LogsQuery['stream']): OpenLog {
  for await (const message of decodeLogFrames(source)) {
    // an agent that knows of one stream alone: both are stdout to it
    if (stream !== 'stderr' || message.turns.length > 0) yield message;
  }
  return decodeLogExit(source.trailers[LOG_EXIT_TRAILER]);
}
