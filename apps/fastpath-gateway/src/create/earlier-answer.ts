import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type CreateResponse, type SandboxInfo } from '@fsb/api/gen/fastpath/v1/fastpath';
import { REQUEST_ID_ANNOTATION } from '@fsb/api/labels';
import { type Sandbox } from '@fsb/api/sandbox';
import { templateOf } from '@fsb/placement/sandbox-object';
import { type PendingRecord } from '../sandboxes/pending-records';

/** What is known of a name when a request_id comes again. */
export interface Known {
  readonly object: Sandbox | undefined;
  readonly record: Pick<PendingRecord, 'order'> | undefined;
  /** containers of the name that have no object yet */
  readonly reports: readonly Pick<AgentSandboxStatus, 'phase' | 'object'>[];
  /** An agent was asked for it, and has not answered. */
  readonly isReserved: boolean;
}

/**
 * `same`: the name is this request's, and answered; `strong`: its object waits to be placed; `open`: it is being made;
 * `other`: the name is another request's; `none`: nobody has it.
 */
export type Earlier = 'same' | 'strong' | 'open' | 'other' | 'none';

/** What became of a request that comes again, here or on another replica, now or after a restart. Pure. */
export function earlierOf(requestId: string, { object, record, reports, isReserved }: Known): Earlier {
  if (object) return ofObject(requestId, object, record !== undefined);
  if (record) return record.order.requestId === requestId ? 'same' : 'other';
  const ids = reports.map((report) => templateOf(report.object)?.metadata.annotations[REQUEST_ID_ANNOTATION]);
  const mine = reports.find((_report, index) => ids[index] === requestId);
  if (mine) return mine.phase === 'creating' ? 'open' : 'same';
  if (reports.length > 0) return 'other';
  return isReserved ? 'open' : 'none';
}

function ofObject(requestId: string, { metadata, spec, status }: Sandbox, hasRecord: boolean): Earlier {
  if (metadata.annotations?.[REQUEST_ID_ANNOTATION] !== requestId) return 'other';
  if (spec.consistencyMode === 'strong') return 'strong';
  // whoever made it writes its status in a moment, or the sandbox-controller does
  return status?.sandboxID || hasRecord ? 'same' : 'open';
}

export function answerOf({ sandboxId, agentPod, endpoints, sandboxName }: SandboxInfo): CreateResponse {
  return { sandboxId, agentPod, endpoints, sandboxName };
}
