import { hasEnded, hasEndedOnAgent } from '@fsb/api/phases';
import { type Sandbox } from '@fsb/api/sandbox';
import { type Action, type Step } from './action';
import { endOfContainers, isLost } from './container-end';
import { isLater, unixMillis } from './instant';
import { planUnheardEnd } from './silence';
import { StatusOf, type Why } from './status';
import { type World } from './world';

/** Why containers are ended while the object stays. While they end, the object is Terminating for this reason. */
export type EndingReason = 'Expired' | 'Reset' | 'Recreate' | 'PoolDeleted';
const REASONS: readonly string[] = ['Expired', 'Reset', 'Recreate', 'PoolDeleted'] satisfies EndingReason[];

/** @returns why the object's containers have to end now, if they have to. What has begun is carried through. */
export function endingOf(sandbox: Sandbox, world: World): EndingReason | undefined {
  const { phase, reason = '' } = sandbox.status ?? {};
  if (phase === 'Terminating' && REASONS.includes(reason)) return reason as EndingReason; // one of them: just checked
  if (!isOver(sandbox, world)) {
    if (isPoolGone(sandbox, world)) return 'PoolDeleted';
    if (isExpired(sandbox, world)) return 'Expired';
  }
  return !isExpired(sandbox, world) && isResetWanted(sandbox) ? 'Reset' : undefined;
}

/** Of a sandbox that was placed; one that waits may still get its pool. */
function isPoolGone({ status }: Sandbox, { pool }: World): boolean {
  return pool !== 'present' && Boolean(status?.assignedPod);
}

/** Also where only its agent knows: the object says how, whatever else was about to end the process. */
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

/** Ends the containers, and only then lets the object go on: an old and a new one never run side by side. */
export function planEnding(reason: EndingReason, sandbox: Sandbox, world: World): Step {
  const end = endOfContainers(sandbox, world, { keepLog: true });
  const { agent } = world;
  const why: Why = { reason, message: messageOf(reason, sandbox) };
  if (end.state === 'ending') {
    const status = new StatusOf(sandbox, world.now).terminating(why);
    return { status, actions: end.deletes, requeueAfterMs: end.requeueAfterMs };
  }
  // A lost agent's container is fenced by its id, and ended should the agent come back.
  if (end.state === 'out_of_reach' && agent && !isLost(sandbox, agent)) {
    return { ...planUnheardEnd(sandbox, why, agent, world.now), actions: end.deletes };
  }
  return afterEnd(reason, why, sandbox, world);
}

function afterEnd(reason: EndingReason, why: Why, sandbox: Sandbox, world: World): Step {
  const status = new StatusOf(sandbox, world.now);
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

/** What became of the last container is told here: its status gives way to that of the next. */
function messageOf(reason: EndingReason, { status = {} }: Sandbox): string {
  const { phase, message = MESSAGES[reason], sandboxID = '', exitCode } = status;
  if (reason !== 'Recreate') return MESSAGES[reason];
  if (phase === 'Terminating') return message; // told when it began
  const end = exitCode === undefined ? (status.reason ?? 'lost') : `${status.reason ?? 'Error'}, code ${exitCode}`;
  return `${MESSAGES.Recreate}: container ${sandboxID} ended (${end}) and goes for a new one`;
}

const MESSAGES: Record<EndingReason, string> = {
  Expired: 'its time is over',
  Reset: 'a reset was asked for',
  Recreate: 'its failure policy is AutoRecreate',
  PoolDeleted: 'its pool was deleted',
};
