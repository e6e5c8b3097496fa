import { type ElsewhereCode } from '@fsb/api/agent-codes';
import { ApiError } from '@fsb/api/errors';
import { type PlacementRequest } from './placement';

/** Why an agent did not take the sandbox. */
export type Refusal = ElsewhereCode | 'unreachable';

export interface Candidate {
  readonly id: string;
  /** in sync, neither draining nor terminating */
  readonly ready: boolean;
  /** not ready yet, and on its way */
  readonly starting: boolean;
  /** as the registry has it */
  readonly freeSlots: number;
}

/** Another agent would have helped: the one failure of a create that asks for capacity. */
export class NoRoomError extends ApiError {}

const NO_AGENT_RETRY_MS = 1_000;
const FULL_RETRY_MS = 2_000;

/** What the caller is told when no agent took the sandbox: none can be reached, or what is full and how far the pool goes. */
export function noRoom(
  { namespace, pool, ports, limits }: Omit<PlacementRequest, 'sandbox'>,
  agents: readonly Candidate[],
  refusals: ReadonlyMap<string, Refusal>,
): NoRoomError {
  const reasons = agents.flatMap((agent) => reasonOf(agent, refusals.get(agent.id)) ?? []);
  const count = (wanted: Refusal): number => reasons.filter((reason) => reason === wanted).length;
  const full = [
    [count('slots_full'), 'without a free slot'],
    [count('port_taken'), `with port ${ports.join(' or ')} in use`],
    [count('memory_full'), 'without the memory asked for'],
    [count('storage_full'), 'without the ephemeral storage asked for'],
  ] as const;
  const said = full.filter(([agentsOf]) => agentsOf > 0).map(([agentsOf, what]) => `${agentsOf} ${what}`);
  const starting = agents.filter((agent) => agent.starting).length;
  if (said.length === 0) {
    const notReady =
      agents.length === 0
        ? 'it has none'
        : `none of its ${agents.length} can be reached or takes sandboxes${starting > 0 ? ` (${starting} starting)` : ''}`;
    const message = `pool "${pool}" has no agent ready in namespace "${namespace}": ${notReady}; try again, or see kubectl -n ${namespace} get pods -l fast-sandbox.io/pool=${pool}`;
    return new NoRoomError('unavailable', message, { retryDelayMs: NO_AGENT_RETRY_MS });
  }
  if (starting > 0) said.push(`${starting} starting`);
  const message = `pool "${pool}" has no room: of ${agents.length} agents ${said.join(', ')}${limitsText(limits)}`;
  return new NoRoomError('resource_exhausted', message, { retryDelayMs: FULL_RETRY_MS });
}

function reasonOf({ ready, freeSlots }: Candidate, refusal: Refusal | undefined): Refusal | undefined {
  if (refusal) return refusal;
  if (!ready) return undefined;
  // the registry passes over an agent for one of these two only
  return freeSlots < 1 ? 'slots_full' : 'port_taken';
}

function limitsText(limits: PlacementRequest['limits']): string {
  if (!limits) return '';
  const { sandboxesPerAgent, maxAgents } = limits;
  const most = maxAgents === undefined ? 'any number of agents' : `at most ${maxAgents} agents`;
  return `; the pool's limits are ${sandboxesPerAgent} sandboxes an agent and ${most}`;
}
