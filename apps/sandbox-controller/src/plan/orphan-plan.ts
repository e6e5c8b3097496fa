import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type ClaimedContainer } from './world';

export type OrphanAction =
  /** write the object that its maker could not */
  | { readonly type: 'adopt'; readonly container: ClaimedContainer }
  | {
      readonly type: 'delete';
      readonly container: ClaimedContainer;
      readonly reason: string;
      readonly message: string;
    };

export interface OrphanPlan {
  readonly actions: readonly OrphanAction[];
  readonly requeueAfterMs?: number;
}
export interface OrphanTimes {
  readonly now: number;
  readonly orphanTimeoutMs: number;
  /** since when this replica acts: nobody was there to adopt before */
  readonly actingSince: number;
}

/** What a gateway that lives needs at most, between its answer and the object. */
const ADOPT_AFTER_MS = 2_000;
/** createdAt is cut to whole seconds */
const SECOND_MS = 1_000;

/** Containers of agents in sync that claim a name of which the API server said: there is no such object. */
export function planOrphans(
  containers: readonly ClaimedContainer[],
  isAdoptable: (container: AgentSandboxStatus) => boolean,
  times: OrphanTimes,
): OrphanPlan {
  const heir = containers
    .filter(({ sandbox }) => sandbox.claimUid === '' && SETTLED.has(sandbox.phase) && isAdoptable(sandbox))
    .sort((a, b) => a.sandbox.createdAt - b.sandbox.createdAt || (a.sandbox.sandboxId < b.sandbox.sandboxId ? -1 : 1))
    .at(0);
  const actions: OrphanAction[] = [];
  const waits: number[] = [];
  for (const container of containers) {
    const { phase } = container.sandbox;
    if (phase === 'terminating' || phase === 'creating') continue; // the agent's next report decides
    const action: OrphanAction = container === heir ? { type: 'adopt', container } : removal(container);
    const wait = waitOf(container.sandbox, container === heir, times);
    if (wait > 0) waits.push(wait);
    // with an object there, the others are judged anew
    else if (heir === undefined || container === heir) actions.push(action);
  }
  return waits.length > 0 ? { actions, requeueAfterMs: Math.min(...waits) } : { actions };
}

function waitOf({ createdAt, claimUid }: AgentSandboxStatus, isHeir: boolean, times: OrphanTimes): number {
  const { now, orphanTimeoutMs, actingSince } = times;
  // an agent whose clock is ahead must not keep its orphans for as long
  const made = createdAt * 1000 > now ? -Infinity : createdAt * 1000 + SECOND_MS;
  if (isHeir) return made + ADOPT_AFTER_MS - now;
  return (claimUid === '' ? Math.max(made, actingSince) : made) + orphanTimeoutMs - now;
}

const SETTLED: ReadonlySet<string> = new Set(['running', 'stopped', 'failed']);

function removal(container: ClaimedContainer): OrphanAction {
  const bound = container.sandbox.claimUid !== '';
  const reason = bound ? 'ObjectGone' : 'NotAdoptable';
  const message = bound
    ? 'its Sandbox object is gone'
    : 'nobody recorded it, and no gateway has vouched for what it says that it was made from';
  return { type: 'delete', container, reason, message };
}
