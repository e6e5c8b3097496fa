import { type Sandbox } from '@fsb/api/sandbox';
import { type Action } from './action';
import { isOwn } from './identity';
import { type AssignedAgent, type World } from './world';

const DEFAULT_RECOVERY_SECONDS = 60;
/** A delete is sent again: an agent that failed to end a container tries once for each. */
const ASK_AGAIN_MS = 2_000;

interface DeleteOptions {
  readonly keepLog?: true;
}

/** How far the end of an object's containers has come. */
export type Ending =
  | { readonly state: 'gone' }
  /** deletes to send; a report of the agent comes when they have worked */
  | { readonly state: 'ending'; readonly deletes: readonly Action[]; readonly requeueAfterMs: number }
  | { readonly state: 'out_of_reach'; readonly agentId: string; readonly deletes: readonly Action[] };

/** All containers that are the object's, whatever their attempt: each is deleted until an agent in sync denies it. */
export function endOfContainers(sandbox: Sandbox, world: World, how: DeleteOptions = {}): Ending {
  const own = world.claimed.filter((claimed) => isOwn(sandbox, claimed.sandbox));
  const deletes = own.map(({ agentId, sandbox: { sandboxId } }) => deleteContainer(agentId, sandboxId, how));
  const { agent, report } = world;
  if (agent && agent.presence !== 'gone' && report.state === 'unknown') {
    return { state: 'out_of_reach', agentId: agent.id, deletes };
  }
  if (agent && agent.presence !== 'gone' && world.call?.state === 'in_flight' && deletes.length === 0) {
    // the agent may be about to admit it
    return { state: 'ending', deletes, requeueAfterMs: ASK_AGAIN_MS };
  }
  return deletes.length > 0 ? { state: 'ending', deletes, requeueAfterMs: ASK_AGAIN_MS } : { state: 'gone' };
}

/** Out of reach for as long as the object allows, and Kubernetes does not say that the Pod is well. */
export function isLost(sandbox: Sandbox, agent: AssignedAgent): boolean {
  return (
    agent.presence === 'gone' || (agent.presence === 'silent' && !agent.podReady && msUntilLost(sandbox, agent) <= 0)
  );
}

export function msUntilLost({ spec }: Sandbox, { silentMs }: AssignedAgent): number {
  return (spec.recoveryTimeoutSeconds ?? DEFAULT_RECOVERY_SECONDS) * 1000 - silentMs;
}

export function deleteContainer(agentId: string, sandboxId: string, how: DeleteOptions = {}): Action {
  return { type: 'delete_container', agentId, sandboxId, ...how };
}
