import { type Sandbox } from '@fsb/api/sandbox';
import { currentSandboxId } from '@fsb/api/sandbox-id';
import { type Action } from './action';
import { deleteContainer } from './container-end';
import { isOwn } from './identity';
import { type ClaimedContainer, type World } from './world';

const ASK_AGAIN_MS = 2_000;

/** Plans the end of orphan containers: those that claim the object's name but are not its current container. */
export function planStrays(sandbox: Sandbox, world: World): { actions: Action[]; requeueAfterMs?: number } {
  const actions: Action[] = [];
  const waits: number[] = [];
  for (const claimed of world.claimed) {
    const { agentId, sandbox: container } = claimed;
    const wait = isOwn(sandbox, container) ? waitOfOwn(sandbox, claimed) : waitOfForeign(claimed, world);
    if (wait === undefined) continue;
    if (wait <= 0) {
      const message = `${container.sandboxId} on agent ${claimed.podName} is not this object's container: it is ended`;
      if (container.phase !== 'terminating') {
        actions.push({ type: 'event', level: 'Warning', reason: 'StrayContainer', message });
      }
      actions.push(deleteContainer(agentId, container.sandboxId));
    }
    waits.push(Math.max(wait, ASK_AGAIN_MS));
  }
  return waits.length > 0 ? { actions, requeueAfterMs: Math.min(...waits) } : { actions };
}

/** Ends an older attempt that came back, and the current one of an object without an assignment. Undefined: keep it. */
function waitOfOwn(sandbox: Sandbox, { sandbox: container }: ClaimedContainer): number | undefined {
  const { phase = 'Pending', assignedPod } = sandbox.status ?? {};
  const holds = phase === 'Pending' || Boolean(assignedPod);
  return holds && container.sandboxId === currentSandboxId(sandbox) ? undefined : 0;
}

/**
 * Milliseconds until another sandbox of the same name is ended: the creator of the object has won. A bound one belonged
 * to an object that is gone, and ends at once. An unbound one ends after the orphan timeout, counted while this replica
 * leads, within which its gateway may still learn that it lost.
 */
function waitOfForeign({ sandbox: { claimUid, createdAt } }: ClaimedContainer, world: World): number {
  if (claimUid !== '') return 0;
  return Math.max(createdAt * 1000, world.actingSince) + world.orphanTimeoutMs - world.now;
}
