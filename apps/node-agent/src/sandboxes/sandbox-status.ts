import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type AgentPhase } from '@fsb/api/phases';
import { type Claim } from './claim';

/** How a process ended. Its exit code is absent where it is unknown. */
export type Finished = NonNullable<Claim['finished']>;

/** The report of a sandbox. Pure. */
export function toStatus(claim: Claim, phase: AgentPhase): AgentSandboxStatus {
  const { sandboxId, claimUid, claimName, namespace, image, ports, createdAt, generation, object } = claim;
  const { terminationGracePeriodSeconds: grace } = claim;
  return {
    ...{ sandboxId, claimUid, claimName, namespace, image, ports, createdAt, phase },
    ...(grace === undefined ? {} : { terminationGracePeriodSeconds: grace }),
    ...(generation === undefined ? {} : { generation }),
    ...(object === undefined || claimUid !== '' ? {} : { object }),
    ...outcome(claim.finished),
  };
}

/** The part of a report that says how the process ended. Pure. */
export function outcome(finished: Finished | undefined): Partial<AgentSandboxStatus> {
  if (!finished) return {};
  const { exitCode, reason, message, finishedAt } = finished;
  return {
    ...{ reason, finishedAt },
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(message === undefined ? {} : { message }),
  };
}

/** The phase after an unrequested exit. Pure. */
export function phaseAfter({ exitCode }: Finished): AgentPhase {
  return exitCode === 0 ? 'stopped' : 'failed';
}

/** Message of a sandbox whose create failed while its process may run. */
export const CREATE_FAILED = 'its create failed';

/** Whether a removed sandbox, by its last status, is one whose create failed rather than one that was deleted. Pure. */
export function wasNeverMade({ phase, message }: AgentSandboxStatus): boolean {
  return phase === 'creating' || (phase === 'terminating' && message === CREATE_FAILED);
}

/** Phases in the order of a sandbox's life; those of an ended process are one step. */
const STEP: Readonly<Record<AgentPhase, number>> = {
  creating: 0,
  running: 1,
  stopped: 2,
  failed: 2,
  terminated: 2,
  terminating: 3,
};

/**
 * The report with the change applied. The phase only goes forward, and the first exit and the first uid of an object
 * stay: a writer that has read an older state cannot undo what others have recorded since. Pure.
 */
export function merged(before: AgentSandboxStatus, change: Partial<AgentSandboxStatus>): AgentSandboxStatus {
  const phase = change.phase !== undefined && STEP[change.phase] > STEP[before.phase] ? change.phase : before.phase;
  const claimUid = before.claimUid || (change.claimUid ?? '');
  const next = before.finishedAt === undefined ? { ...before, ...change } : before;
  const { object, ...rest } = { ...next, phase, claimUid };
  return { ...rest, ...(object === undefined || claimUid !== '' ? {} : { object }) };
}
