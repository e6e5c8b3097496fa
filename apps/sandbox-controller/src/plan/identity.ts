import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type Allocation, ALLOCATION_ANNOTATION, CREATED_BY_FASTPATH, CREATED_BY_LABEL } from '@fsb/api/labels';
import { type Sandbox, type SandboxStatus } from '@fsb/api/sandbox';
import { attemptOf, currentSandboxId } from '@fsb/api/sandbox-id';
import { z } from 'zod';

const AllocationJson = z.object({ assignedPod: z.string().min(1), assignedNode: z.string(), allocatedAt: z.string() });

/** Whether somebody was told that the current container runs before this object said so. */
export function isAcknowledged(sandbox: Sandbox): boolean {
  return attemptOf(sandbox) === 0 && madeByFastPath(sandbox);
}

function allocationOf({ metadata }: Sandbox): Allocation | undefined {
  try {
    return AllocationJson.parse(JSON.parse(metadata.annotations?.[ALLOCATION_ANNOTATION] ?? ''));
  } catch {
    return undefined; // somebody's own words: the sandbox is placed like any other
  }
}

/** The object as it is to be read: one whose fast path has not written its status yet is assigned as annotated. */
export function withAllocation(sandbox: Sandbox): Sandbox {
  const allocation = madeByFastPath(sandbox) ? allocationOf(sandbox) : undefined;
  const { phase = 'Pending', assignedPod, sandboxID, attempt = 0 } = sandbox.status ?? {};
  if (!allocation || phase !== 'Pending' || attempt > 0 || (assignedPod && sandboxID)) return sandbox;
  const status: SandboxStatus = {
    ...sandbox.status,
    phase: 'Bound',
    assignedPod: allocation.assignedPod,
    nodeName: allocation.assignedNode,
    sandboxID: currentSandboxId(sandbox),
  };
  return { ...sandbox, status };
}

/** Whether a container is this object's, of this attempt or an older one; not merely one of the same name. */
export function isOwn(sandbox: Sandbox, { claimUid, sandboxId }: AgentSandboxStatus): boolean {
  return claimUid === '' ? sandboxId === currentSandboxId(sandbox) : claimUid === sandbox.metadata.uid;
}

function madeByFastPath({ metadata }: Sandbox): boolean {
  return metadata.labels?.[CREATED_BY_LABEL] === CREATED_BY_FASTPATH;
}
