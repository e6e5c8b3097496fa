import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type CreateResponse, type SandboxInfo } from '@fsb/api/gen/fastpath/v1/fastpath';
import { REQUEST_ID_ANNOTATION } from '@fsb/api/labels';
import { type Sandbox } from '@fsb/api/sandbox';
import { templateOf } from '@fsb/placement/sandbox-object';
import { type PendingRecord } from '../sandboxes/pending-records';

/** What a gateway knows of a name. */
export interface KnownName {
  readonly object: Sandbox | undefined;
  readonly record: Pick<PendingRecord, 'order'> | undefined;
  /** unbound containers that claim the name */
  readonly reports: readonly Pick<AgentSandboxStatus, 'phase' | 'object'>[];
  /** whether an agent was asked for the name and has not answered */
  readonly isReserved: boolean;
}

/**
 * State of a name as a repeated request sees it. `same`: the name belongs to this request, which was answered;
 * `strong`: to this request, as a STRONG create with an object; `open`: its sandbox is being made; `other`: the name
 * belongs to another request; `none`: the name is free.
 */
export type EarlierRequest = 'same' | 'strong' | 'open' | 'other' | 'none';

/** The outcome of an earlier request with this id, on any replica, before or after a restart. Pure. */
export function earlierRequest(requestId: string, { object, record, reports, isReserved }: KnownName): EarlierRequest {
  if (object) return ofObject(requestId, object, record !== undefined);
  if (record) return record.order.requestId === requestId ? 'same' : 'other';
  const ids = reports.map((report) => templateOf(report.object)?.metadata.annotations[REQUEST_ID_ANNOTATION]);
  const mine = reports.find((_report, index) => ids[index] === requestId);
  if (mine) return mine.phase === 'creating' ? 'open' : 'same';
  if (reports.length > 0) return 'other';
  return isReserved ? 'open' : 'none';
}

function ofObject(requestId: string, { metadata, spec, status }: Sandbox, hasRecord: boolean): EarlierRequest {
  if (metadata.annotations?.[REQUEST_ID_ANNOTATION] !== requestId) return 'other';
  if (spec.consistencyMode === 'strong') return 'strong';
  // its writer, or the sandbox-controller, will write its status
  return status?.sandboxID || hasRecord ? 'same' : 'open';
}

/** The answer of a create, from the view of its sandbox. */
export function answerOf({ sandboxId, agentPod, endpoints, sandboxName }: SandboxInfo): CreateResponse {
  return { sandboxId, agentPod, endpoints, sandboxName };
}
