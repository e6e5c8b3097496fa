import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type SandboxPhase } from '@fsb/api/phases';
import { type Condition, type Sandbox, type SandboxStatus } from '@fsb/api/sandbox';
import { attemptOf } from '@fsb/api/sandbox-id';
import { setCondition } from '@fsb/controller-runtime/conditions';
import { rfc3339 } from '@fsb/kit/times';
import { endpointsOf } from '@fsb/placement/sandbox-object';
import { type Tries } from './back-off';

export interface StatusReason {
  readonly reason: string;
  readonly message: string;
}
/** Reason of a container that was removed by another process. */
export const CONTAINER_GONE = 'ContainerGone';
type ConditionState = Pick<Condition, 'status'> & StatusReason;
/** Start of another attempt. */
interface Next {
  readonly acceptedResetRevision?: string;
  readonly recreations?: number;
}
interface Conditions {
  readonly scheduled?: ConditionState;
  readonly ready: ConditionState;
}

/** Builds every status that this controller writes. Fields that do not belong to the phase are not carried over. */
export class StatusBuilder {
  private readonly now: Date;

  constructor(
    private readonly sandbox: Sandbox,
    private readonly nowMs: number,
  ) {
    this.now = new Date(nowMs);
  }

  /** Waits for a container. @param next counts up the attempt: it waits for another container */
  pending(why: StatusReason, next?: Next, tries: Tries = this.tries()): SandboxStatus {
    const attempt = attemptOf(this.sandbox) + (next ? 1 : 0);
    const base = this.base(
      'Pending',
      { scheduled: falseCondition(why), ready: falseCondition(why) },
      next?.recreations,
    );
    return { ...base, ...why, attempt, ...this.revision(next), ...onlyTries(tries) };
  }

  bound(assignment: { assignedPod: string; nodeName: string; sandboxID: string }): SandboxStatus {
    const ready = falseCondition({
      reason: 'Creating',
      message: `agent ${assignment.assignedPod} makes its container`,
    });
    const base = this.base('Bound', { scheduled: this.scheduled(assignment.assignedPod), ready });
    return { ...base, ...assignment, ...this.tries() };
  }

  /** Bound, assigned as before. @param why it does not run yet */
  waiting(why: StatusReason, tries: Tries = this.tries()): SandboxStatus {
    return { ...this.base('Bound', { ready: falseCondition(why) }), ...this.assignment(), ...why, ...onlyTries(tries) };
  }

  /** `status` with Ready Unknown since `silentMs` ago. */
  readyUnknown(status: SandboxStatus, why: StatusReason, silentMs: number): SandboxStatus {
    const ready = { type: 'Ready', status: 'Unknown', ...why } as const;
    const since = new Date(this.nowMs - silentMs);
    return { ...status, conditions: setCondition(this.sandbox.status?.conditions, ready, since) };
  }

  /** @param recreations new count; absent: unchanged */
  running(podIP: string, recreations?: number): SandboxStatus {
    const endpoints = endpointsOf({ address: podIP }, this.sandbox.spec.exposedPorts ?? []);
    const assignment = this.assignment();
    const ready: ConditionState = { status: 'True', reason: 'Running', message: 'its container runs' };
    return {
      ...this.base('Running', { scheduled: this.scheduled(assignment.assignedPod ?? ''), ready }, recreations),
      ...assignment,
      ...(endpoints.length > 0 ? { endpoints } : {}),
    };
  }

  /** Succeeded or Failed, with the outcome of the process. */
  finished(report: AgentSandboxStatus): SandboxStatus {
    const { exitCode, finishedAt = rfc3339(this.now) } = report;
    const phase = report.phase === 'stopped' ? 'Succeeded' : 'Failed';
    const reason = report.reason ?? endReason(report);
    const message = report.message ?? `its process ended${exitCode === undefined ? '' : ` with code ${exitCode}`}`;
    return {
      ...this.ended(phase, { reason, message }, finishedAt),
      ...this.assignment(),
      ...(exitCode === undefined ? {} : { exitCode }),
    };
  }

  /** Failed without a container; it gets none by itself. */
  failed(why: StatusReason): SandboxStatus {
    return this.ended('Failed', why, rfc3339(this.now));
  }

  /** Lost. The assignment is kept: an agent that comes back may still have the container. */
  lost(why: StatusReason): SandboxStatus {
    return { ...this.ended('Lost', why, rfc3339(this.now)), ...this.assignment() };
  }

  terminating(why: StatusReason): SandboxStatus {
    return { ...this.base('Terminating', { ready: falseCondition(why) }), ...this.assignment(), ...why };
  }

  expired(): SandboxStatus {
    const why = { reason: 'Expired', message: `expired at ${this.sandbox.spec.expireTime ?? 'its time'}` };
    return this.ended('Expired', why, rfc3339(this.now));
  }

  private ended(phase: SandboxPhase, why: StatusReason, finishedAt: string): SandboxStatus {
    return { ...this.base(phase, { ready: falseCondition(why) }), ...why, finishedAt };
  }

  private base(phase: SandboxPhase, { scheduled, ready }: Conditions, recreations?: number): SandboxStatus {
    const { generation } = this.sandbox.metadata;
    let conditions = this.sandbox.status?.conditions;
    if (scheduled) conditions = setCondition(conditions, { type: 'Scheduled', ...scheduled }, this.now);
    conditions = setCondition(conditions, { type: 'Ready', ...ready }, this.now);
    const count = recreations ?? this.sandbox.status?.recreations ?? 0;
    return {
      phase,
      conditions,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      attempt: attemptOf(this.sandbox),
      ...(count > 0 ? { recreations: count } : {}),
      ...this.revision(),
    };
  }

  /** A resetRevision set before the first container counts as accepted: it asks for no second one. */
  private revision(next?: Next): Pick<SandboxStatus, 'acceptedResetRevision'> {
    const { spec, status } = this.sandbox;
    const first = status?.phase === undefined ? spec.resetRevision : undefined;
    const acceptedResetRevision = next?.acceptedResetRevision ?? status?.acceptedResetRevision ?? first;
    return acceptedResetRevision === undefined ? {} : { acceptedResetRevision };
  }

  private tries(): Tries {
    return onlyTries(this.sandbox.status ?? {});
  }

  private assignment(): Pick<SandboxStatus, 'assignedPod' | 'nodeName' | 'sandboxID'> {
    const { assignedPod, nodeName, sandboxID } = this.sandbox.status ?? {};
    return {
      ...(assignedPod ? { assignedPod } : {}),
      ...(nodeName ? { nodeName } : {}),
      ...(sandboxID ? { sandboxID } : {}),
    };
  }

  private scheduled(pod: string): ConditionState {
    return { status: 'True', reason: 'Assigned', message: `to agent ${pod}` };
  }
}

function endReason({ phase, exitCode }: AgentSandboxStatus): string {
  if (phase === 'stopped') return 'Completed';
  return exitCode === undefined ? CONTAINER_GONE : 'Error';
}

function onlyTries({ failures, retryAt }: Tries): Tries {
  return failures === undefined || retryAt === undefined ? {} : { failures, retryAt };
}

function falseCondition({ reason, message }: StatusReason): ConditionState {
  return { status: 'False', reason, message };
}
