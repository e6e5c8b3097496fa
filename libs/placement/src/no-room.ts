import { type ElsewhereCode } from '@fsb/api/agent-codes';
import { ApiError } from '@fsb/api/errors';
import { type PlacementRequest } from './placement';

/** The reason why an agent did not take the sandbox. */
export type RefusalReason = ElsewhereCode | 'unreachable';

export interface AgentState {
  readonly id: string;
  /** in sync, neither draining nor terminating */
  readonly ready: boolean;
  /** not ready yet, but starting */
  readonly starting: boolean;
  /** by the registry */
  readonly freeSlots: number;
}

/** A create that another agent could have taken: the only failure that counts as demand for the pool. */
export class NoRoomError extends ApiError {}

const NO_AGENT_RETRY_MS = 1_000;
const FULL_RETRY_MS = 2_000;

/**
 * The error for a create that no agent took.
 * @returns unavailable if no agent can be reached; else resource_exhausted, with what is full and the pool's limits
 */
export function noRoom(
  { namespace, pool, ports, limits }: Omit<PlacementRequest, 'sandbox'>,
  agents: readonly AgentState[],
  refusals: ReadonlyMap<string, RefusalReason>,
): NoRoomError {
  const reasons = agents.flatMap((agent) => reasonOf(agent, refusals.get(agent.id)) ?? []);
  const count = (wanted: RefusalReason): number => reasons.filter((reason) => reason === wanted).length;
  const full = [
    [count('slots_full'), 'without a free slot'],
    [count('port_taken'), `with port ${ports.join(' or ')} in use`],
    [count('memory_full'), 'without the memory asked for'],
    [count('storage_full'), 'without the ephemeral storage asked for'],
  ] as const;
  const parts = full.filter(([agentsOf]) => agentsOf > 0).map(([agentsOf, what]) => `${agentsOf} ${what}`);
  const starting = agents.filter((agent) => agent.starting).length;
  if (parts.length === 0) {
    const notReady =
      agents.length === 0
        ? 'it has none'
        : `none of its ${agents.length} can be reached or takes sandboxes${starting > 0 ? ` (${starting} starting)` : ''}`;
    const message = `pool "${pool}" has no agent ready in namespace "${namespace}": ${notReady}; try again, or see kubectl -n ${namespace} get pods -l fast-sandbox.io/pool=${pool}`;
    return new NoRoomError('unavailable', message, { retryDelayMs: NO_AGENT_RETRY_MS });
  }
  if (starting > 0) parts.push(`${starting} starting`);
  const message = `pool "${pool}" has no room: of ${agents.length} agents ${parts.join(', ')}${limitsText(limits)}`;
  return new NoRoomError('resource_exhausted', message, { retryDelayMs: FULL_RETRY_MS });
}

function reasonOf({ ready, freeSlots }: AgentState, refusal: RefusalReason | undefined): RefusalReason | undefined {
  if (refusal) return refusal;
  if (!ready) return undefined;
  // the registry skips an agent only for one of these two
  return freeSlots < 1 ? 'slots_full' : 'port_taken';
}

function limitsText(limits: PlacementRequest['limits']): string {
  if (!limits) return '';
  const { sandboxesPerAgent, maxAgents } = limits;
  const most = maxAgents === undefined ? 'any number of agents' : `at most ${maxAgents} agents`;
  return `; the pool's limits are ${sandboxesPerAgent} sandboxes an agent and ${most}`;
}
