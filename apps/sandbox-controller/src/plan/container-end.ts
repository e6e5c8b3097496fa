import { type Sandbox } from '@fsb/api/sandbox';
import { type Action } from './action';
import { isOwn } from './identity';
import { type AssignedAgent, type World } from './world';

const DEFAULT_RECOVERY_SECONDS = 60;
/** Interval at which a delete is repeated: an agent tries to end a container once for each delete. */
const ASK_AGAIN_MS = 2_000;

interface DeleteOptions {
  readonly keepLog?: true;
}

/** Progress of the end of an object's containers. */
export type Ending =
  | { readonly state: 'gone' }
  /** deletes to send; the agent's report shows their success */
  | { readonly state: 'ending'; readonly deletes: readonly Action[]; readonly requeueAfterMs: number }
  | { readonly state: 'out_of_reach'; readonly agentId: string; readonly deletes: readonly Action[] };

/** Ends all containers of an object, of every attempt: each is deleted until an agent in sync does not report it. */
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

/** Whether an agent is gone, or silent for longer than recoveryTimeoutSeconds while its Pod is not ready. */
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
