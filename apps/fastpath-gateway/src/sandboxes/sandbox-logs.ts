import { type IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { AgentClient } from '@fsb/agent-api/agent-client';
import { decodeLogExit, LOG_EXIT_TRAILER, type LogExit } from '@fsb/agent-api/log-exit';
import { ApiError, messageOf } from '@fsb/api/errors';
import { type StreamLogsRequest, type StreamLogsResponse } from '@fsb/api/gen/fastpath/v1/logs';
import { Catalog } from './catalog';
import { invalid, namespaceName, objectName } from './field-rules';
import { notFound, requireId } from './sandbox-queries';

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
    if (sandbox.sandboxId === '') {
      throw new ApiError('unavailable', `sandbox "${name}" has no container yet (${sandbox.phase}); try again`);
    }
    const agent = this.catalog.agentOf(sandbox);
    if (!agent) throw new ApiError('not_found', `the log of "${name}" went with its agent ${sandbox.agentPod}`);
    const query = {
      sandboxId: sandbox.sandboxId,
      follow: request.follow,
      ...(tailLines === undefined ? {} : { tailLines }),
    };
    return chunks(await this.agents.logs(agent, query, signal));
  }
}

/** The chunks of a log. Its return value says how the sandbox ended: undefined where the log was not followed to that. */
export type OpenLog = AsyncGenerator<StreamLogsResponse, LogExit | undefined>;

async function* chunks(source: IncomingMessage): OpenLog {
  try {
    for await (const data of source) yield { data: data as Buffer }; // no encoding is set on the response
    return decodeLogExit(source.trailers[LOG_EXIT_TRAILER]);
  } catch (error) {
    throw new ApiError('unavailable', `the log broke off (${messageOf(error)}); ask again`, { cause: error });
  }
}
