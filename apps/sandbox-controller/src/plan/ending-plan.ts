import { type Sandbox, type SandboxPhase } from '@fsb/api/sandbox';
import { type Action, type Step } from './action';
import { endOfContainers, isLost, msUntilLost } from './container-end';
import { isLater, unixMillis } from './instant';
import { StatusOf } from './status';
import { type World } from './world';

/** Why containers are ended while the object stays. While they end, the object is Terminating for this reason. */
export type EndingReason = 'Expired' | 'Reset' | 'Recreate' | 'PoolDeleted';
const REASONS: readonly string[] = ['Expired', 'Reset', 'Recreate', 'PoolDeleted'] satisfies EndingReason[];

const FINAL: ReadonlySet<SandboxPhase | undefined> = new Set(['Succeeded', 'Failed', 'Expired']);
const OUT_OF_REACH_MS = 5_000;

/** @returns why the object's containers have to end now, if they have to. What has begun is carried through. */
export function endingOf(sandbox: Sandbox, world: World): EndingReason | undefined {
  const { phase, reason = '' } = sandbox.status ?? {};
  if (phase === 'Terminating' && REASONS.includes(reason)) return reason as EndingReason; // one of them: just checked
  const expired = isExpired(sandbox, world);
  if (!FINAL.has(phase)) {
    if (world.pool !== 'present' && sandbox.status?.assignedPod) return 'PoolDeleted';
    if (expired) return 'Expired';
  }
  return !expired && isResetWanted(sandbox) ? 'Reset' : undefined;
}

function isExpired({ spec }: Sandbox, { now }: World): boolean {
  return (unixMillis(spec.expireTime) ?? Infinity) <= now;
}

function isResetWanted({ spec, status }: Sandbox): boolean {
  return status?.phase !== undefined && isLater(spec.resetRevision, status.acceptedResetRevision);
}

/** Ends the containers, and only then lets the object go on: an old and a new one never run side by side. */
export function planEnding(reason: EndingReason, sandbox: Sandbox, world: World): Step {
  const status = new StatusOf(sandbox, world.now);
  const end = endOfContainers(sandbox, world);
  const { agent } = world;
  if (end.state === 'ending') {
    const why = { reason, message: MESSAGES[reason] };
    return { status: status.terminating(why), actions: end.deletes, requeueAfterMs: end.requeueAfterMs };
  }
  // A lost agent's container is fenced by its id, and ended should the agent come back.
  if (end.state === 'out_of_reach' && agent && !isLost(sandbox, agent)) {
    const why = { reason, message: `${MESSAGES[reason]}; agent ${sandbox.status?.assignedPod ?? ''} is out of reach` };
    const untilLost = msUntilLost(sandbox, agent);
    const requeueAfterMs = untilLost > 0 ? Math.min(untilLost, OUT_OF_REACH_MS) : OUT_OF_REACH_MS;
    return { status: status.terminating(why), actions: end.deletes, requeueAfterMs };
  }
  return afterEnd(reason, sandbox, status, world);
}

function afterEnd(reason: EndingReason, sandbox: Sandbox, status: StatusOf, world: World): Step {
  const forget: Action[] = world.agent && world.call ? [{ type: 'forget_call' }] : [];
  const { resetRevision } = sandbox.spec;
  switch (reason) {
    case 'Expired':
      return { status: status.expired(), actions: forget };
    case 'PoolDeleted':
      return {
        status: status.failed({ reason, message: `pool ${sandbox.spec.poolRef} was deleted` }),
        actions: forget,
      };
    case 'Reset':
      return {
        status: status.pending(
          { reason, message: MESSAGES[reason] },
          resetRevision === undefined ? {} : { acceptedResetRevision: resetRevision },
        ),
        actions: [...forget, { type: 'forget', what: 'placement' }, { type: 'forget', what: 'recreations' }],
      };
    case 'Recreate':
      return {
        status: status.pending({ reason, message: MESSAGES[reason] }, {}),
        actions: [...forget, { type: 'count_recreation' }],
      };
  }
}

const MESSAGES: Record<EndingReason, string> = {
  Expired: 'its time is over',
  Reset: 'a reset was asked for',
  Recreate: 'its failure policy is AutoRecreate',
  PoolDeleted: 'its pool was deleted',
};
