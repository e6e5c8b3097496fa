import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type ClaimedContainer } from './world';

export type OrphanAction =
  /** create the missing object from the container's template */
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
  /** Unix ms since when this replica leads; before that it adopted nothing */
  readonly actingSince: number;
}

/** The most that a live gateway needs between its answer and the object. */
const ADOPT_AFTER_MS = 2_000;
/** resolution of createdAt */
const SECOND_MS = 1_000;

/**
 * Plans containers that claim a name without an object: the heir is adopted; others end after the orphan timeout. Pure.
 * @param containers reported by agents in sync
 */
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
    // once the heir's object exists, the others are judged against it
    else if (heir === undefined || container === heir) actions.push(action);
  }
  return waits.length > 0 ? { actions, requeueAfterMs: Math.min(...waits) } : { actions };
}

function waitOf({ createdAt, claimUid }: AgentSandboxStatus, isHeir: boolean, times: OrphanTimes): number {
  const { now, orphanTimeoutMs, actingSince } = times;
  // an agent whose clock is ahead must not delay the end of its orphans
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
    : 'it has no Sandbox object, and no gateway has vouched for its template';
  return { type: 'delete', container, reason, message };
}
