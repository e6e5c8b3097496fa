import { type AgentClient } from '@fsb/agent-api/agent-client';
import { ApiError } from '@fsb/api/errors';
import { type AgentDirectory } from './agent-directory';
import { type Placement, type PlacementRequest } from './placement';

export interface PlacerOptions {
  readonly directory: AgentDirectory;
  readonly client: AgentClient;
}

/** Finds an agent for a sandbox: the registry proposes, the agent decides. */
export class Placer {
  constructor(private readonly options: PlacerOptions) {}

  /**
   * @param deadline Unix milliseconds
   * @throws ApiError unavailable, resource_exhausted, not_found, invalid_argument, aborted, deadline_exceeded
   */
  place(request: PlacementRequest, signal: AbortSignal, deadline: number): Promise<Placement> {
    return Promise.reject(
      new ApiError('unimplemented', `${request.name} ${String(signal.aborted)} ${deadline} ${typeof this.options}`),
    );
  }
}
