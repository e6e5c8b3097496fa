import { type AgentPhase, type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type Claim } from './claim';

/** What is told of a sandbox. Pure. */
export function toStatus(claim: Claim, phase: AgentPhase): AgentSandboxStatus {
  const { sandboxId, claimUid, claimName, namespace, image, ports, createdAt, generation, object } = claim;
  return {
    ...{ sandboxId, claimUid, claimName, namespace, image, ports, createdAt, phase },
    ...(generation === undefined ? {} : { generation }),
    ...(object === undefined || claimUid !== '' ? {} : { object }),
  };
}

/** How it ended. Pure. */
export function outcome(finished: Claim['finished']): Partial<AgentSandboxStatus> {
  if (!finished) return {};
  const { exitCode, reason, message, finishedAt } = finished;
  return {
    ...{ reason, finishedAt },
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(message === undefined ? {} : { message }),
  };
}
