import { type AgentEvent, type AgentStatus } from '@fsb/agent-api/agent-api';
import { type AgentClient } from '@fsb/agent-api/agent-client';
import { type AgentEndpoint } from '@fsb/agent-api/agent-endpoint';
import { ApiError } from '@fsb/api/errors';
import { lines } from '@fsb/component-base/lines';
import { withDeadline } from '@fsb/controller-runtime/deadline';

const DEADLINE_MS = 5_000;

/**
 * What an agent has at this moment, asked for: a stream in sync may still be a few events behind, so what it does not
 * say is no proof. @throws ApiError unavailable, deadline_exceeded, aborted
 */
export function agentSnapshot(client: AgentClient, agent: AgentEndpoint, outer: AbortSignal): Promise<AgentStatus> {
  return withDeadline(`agent ${agent.address}: status`, DEADLINE_MS, outer, async (signal) => {
    const response = await client.watch(agent, signal);
    try {
      if (response.statusCode !== 200)
        throw new ApiError('unavailable', `agent ${agent.address}: ${response.statusCode ?? 0}`);
      return await firstSnapshot(lines(response));
    } finally {
      response.destroy();
    }
  });
}

/** The first line of a watch is the status, whole. */
async function firstSnapshot(said: AsyncIterable<string>): Promise<AgentStatus> {
  for await (const line of said) {
    const event = JSON.parse(line) as AgentEvent; // the agent is ours
    if (event.type === 'snapshot') return event.status;
  }
  throw new ApiError('unavailable', 'the agent ended its answer before its status');
}
