import { hasEnded, hasEndedOnAgent } from '@fsb/api/phases';
import { type Sandbox } from '@fsb/api/sandbox';
import { type Action, type Step } from './action';
import { endOfContainers, isLost } from './container-end';
import { isLater, unixMillis } from './instant';
import { planSilentEnding } from './silence';
import { StatusBuilder, type StatusReason } from './status';
import { type World } from './world';

/** Why containers end while their object stays; meanwhile it is Terminating for this reason. */
export type EndingReason = 'Expired' | 'Reset' | 'Recreate' | 'PoolDeleted';
const REASONS: readonly string[] = ['Expired', 'Reset', 'Recreate', 'PoolDeleted'] satisfies EndingReason[];

/** The reason for which the object's containers must end now, if any. An ending that has begun is carried through. */
export function endingOf(sandbox: Sandbox, world: World): EndingReason | undefined {
  const { phase, reason = '' } = sandbox.status ?? {};
  if (phase === 'Terminating' && REASONS.includes(reason)) return reason as EndingReason; // checked by includes
  if (!isOver(sandbox, world)) {
    if (isPoolGone(sandbox, world)) return 'PoolDeleted';
    if (isExpired(sandbox, world)) return 'Expired';
  }
  return !isExpired(sandbox, world) && isResetWanted(sandbox) ? 'Reset' : undefined;
}

/** Whether the pool of a placed sandbox is gone. A pending one may still get its pool. */
function isPoolGone({ status }: Sandbox, { pool }: World): boolean {
  return pool !== 'present' && Boolean(status?.assignedPod);
}

/** Whether its process has ended, by object or report: the outcome is shown whatever else would end it. */
function isOver({ status }: Sandbox, { report }: World): boolean {
  if (report.state === 'known' && hasEndedOnAgent(report.sandbox.phase)) return true;
  return hasEnded(status?.phase);
}

export function isExpired({ spec }: Sandbox, { now }: World): boolean {
  return (unixMillis(spec.expireTime) ?? Infinity) <= now;
}

function isResetWanted({ spec, status }: Sandbox): boolean {
  return status?.phase !== undefined && isLater(spec.resetRevision, status.acceptedResetRevision);
}

/** Ends the containers, and only then moves the object on, so that an old and a new one never run side by side. */
export function planEnding(reason: EndingReason, sandbox: Sandbox, world: World): Step {
  const end = endOfContainers(sandbox, world, { keepLog: true });
  const { agent } = world;
  const why: StatusReason = { reason, message: messageOf(reason, sandbox) };
  if (end.state === 'ending') {
    const status = new StatusBuilder(sandbox, world.now).terminating(why);
    return { status, actions: end.deletes, requeueAfterMs: end.requeueAfterMs };
  }
  // a lost agent's container is fenced by its id, and ended if the agent comes back
  if (end.state === 'out_of_reach' && agent && !isLost(sandbox, agent)) {
    return { ...planSilentEnding(sandbox, why, agent, world.now), actions: end.deletes };
  }
  return afterEnd(reason, why, sandbox, world);
}

function afterEnd(reason: EndingReason, why: StatusReason, sandbox: Sandbox, world: World): Step {
  const status = new StatusBuilder(sandbox, world.now);
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
          why,
          { recreations: 0, ...(resetRevision === undefined ? {} : { acceptedResetRevision: resetRevision }) },
          {},
        ),
        actions: [...forget, { type: 'forget', what: 'placement' }],
      };
    case 'Recreate':
      return {
        status: status.pending(why, { recreations: (sandbox.status?.recreations ?? 0) + 1 }, {}),
        actions: forget,
      };
  }
}

/** Message of an ending. A recreation names the old container's end, since its status is replaced. */
function messageOf(reason: EndingReason, { status = {} }: Sandbox): string {
  const { phase, message = MESSAGES[reason], sandboxID = '', exitCode } = status;
  if (reason !== 'Recreate') return MESSAGES[reason];
  if (phase === 'Terminating') return message; // written when the ending began
  const end = exitCode === undefined ? (status.reason ?? 'lost') : `${status.reason ?? 'Error'}, code ${exitCode}`;
  return `${MESSAGES.Recreate}: container ${sandboxID} ended (${end}); a new one replaces it`;
}

const MESSAGES: Record<EndingReason, string> = {
  Expired: 'its time is over',
  Reset: 'a reset was asked for',
  Recreate: 'its failure policy is AutoRecreate',
  PoolDeleted: 'its pool was deleted',
};
