import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { setBounded } from '@fsb/kit/set-bounded';
import { type Refusal } from './admission';

export interface FencedRequest {
  readonly namespace: string;
  readonly claimName: string;
  /** empty: no object yet */
  readonly claimUid: string;
  readonly generation: number | undefined;
}

type Fenced = Pick<AgentSandboxStatus, 'sandboxId' | 'namespace' | 'claimName' | 'claimUid' | 'generation'>;

/**
 * Refuses a command for an older generation than one that this agent has had: its sender was overtaken. Generations
 * belong to an object: those of a deleted object say nothing about the next one of its name. Pure.
 */
export function staleGeneration(request: FencedRequest, known: Iterable<Fenced>): Refusal | undefined {
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

/** Refuses a delete for an older generation than the sandbox's: its sender does not know the newer one yet. Pure. */
export function staleDelete(
  generation: number | undefined,
  sandbox: Pick<AgentSandboxStatus, 'sandboxId' | 'generation'> | undefined,
): Refusal | undefined {
  if (generation === undefined || !sandbox || (sandbox.generation ?? 0) <= generation) return undefined;
  const message = `generation ${generation} is stale: ${sandbox.sandboxId} is of ${sandbox.generation ?? 0}`;
  return { code: 'stale_generation', message };
}

/** Objects remembered: more than an agent removes while a command can be in transit. */
const REMEMBERED = 1000;

/**
 * The last generations of objects whose sandboxes were removed. In memory only: a command in transit to an agent that
 * dies fails with it.
 */
export class RemovedGenerations {
  private readonly removed = new Map<string, Fenced>();

  remember(sandbox: Fenced): void {
    if (sandbox.generation === undefined || sandbox.claimUid === '') return;
    const before = this.removed.get(sandbox.claimUid);
    if ((before?.generation ?? 0) > sandbox.generation) return;
    setBounded(this.removed, sandbox.claimUid, sandbox, REMEMBERED);
  }

  of(claimUid: string): Fenced[] {
    const found = this.removed.get(claimUid);
    return found ? [found] : [];
  }
}
