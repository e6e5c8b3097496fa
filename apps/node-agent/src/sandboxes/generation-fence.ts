import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type Refusal } from './admission';

export interface FencedRequest {
  readonly namespace: string;
  readonly claimName: string;
  /** empty: no object yet */
  readonly claimUid: string;
  readonly generation: number | undefined;
}

/**
 * A command for an older generation than one that this agent has had comes from somebody who was overtaken. Generations are
 * an object's: those of a deleted object say nothing about the next one of its name. Pure.
 */
export function staleGeneration(
  request: FencedRequest,
  known: Iterable<Pick<AgentSandboxStatus, 'sandboxId' | 'namespace' | 'claimName' | 'claimUid' | 'generation'>>,
): Refusal | undefined {
  if (request.generation === undefined) return undefined;
  for (const sandbox of known) {
    if (sandbox.namespace !== request.namespace || sandbox.claimName !== request.claimName) continue;
    if (sandbox.claimUid !== '' && request.claimUid !== '' && sandbox.claimUid !== request.claimUid) continue;
    if ((sandbox.generation ?? 0) <= request.generation) continue;
    const what = `generation ${request.generation} of ${request.namespace}/${request.claimName} is stale`;
    return { code: 'stale_generation', message: `${what}: ${sandbox.sandboxId} is of ${sandbox.generation ?? 0}` };
  }
  return undefined;
}
