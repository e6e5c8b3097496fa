import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type Allocation, ALLOCATION_ANNOTATION, CREATED_BY_FASTPATH, CREATED_BY_LABEL } from '@fsb/api/labels';
import { type Sandbox, type SandboxStatus } from '@fsb/api/sandbox';
import { attemptOf, currentSandboxId } from '@fsb/api/sandbox-id';
import { z } from 'zod';

const AllocationJson = z.object({ assignedPod: z.string().min(1), assignedNode: z.string(), allocatedAt: z.string() });

/** Whether a caller may have been answered before the object existed: the first container of a FAST create. */
export function isAcknowledged(sandbox: Sandbox): boolean {
  return attemptOf(sandbox) === 0 && madeByFastPath(sandbox);
}

function allocationOf({ metadata }: Sandbox): Allocation | undefined {
  try {
    return AllocationJson.parse(JSON.parse(metadata.annotations?.[ALLOCATION_ANNOTATION] ?? ''));
  } catch {
    return undefined; // not a gateway's: the sandbox is placed like any other
  }
}

/** Returns the object, assigned as its allocation annotation says if its FAST create has written no status yet. */
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

/** Whether a container belongs to this object, of any attempt, and not merely to its name. */
export function isOwn(sandbox: Sandbox, { claimUid, sandboxId }: AgentSandboxStatus): boolean {
  return claimUid === '' ? sandboxId === currentSandboxId(sandbox) : claimUid === sandbox.metadata.uid;
}

function madeByFastPath({ metadata }: Sandbox): boolean {
  return metadata.labels?.[CREATED_BY_LABEL] === CREATED_BY_FASTPATH;
}
