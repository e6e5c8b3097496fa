import { type Sandbox, type SandboxStatus } from '@fsb/api/sandbox';
import { type Step } from './action';
import { isLost, msUntilLost } from './container-end';
import { unixMillis } from './instant';
import { StatusOf, type Why } from './status';
import { type AssignedAgent } from './world';

/** A stream counts as silent after six seconds; an agent that restarts is back before this has passed as well. */
const SHOWN_AFTER_MS = 5_000;
/** While an agent is out of reach it is looked at this often, at least. */
const LOOK_AGAIN_MS = 5_000;

/**
 * How long an agent has been out of reach. The object says since when, so that another leader does not begin at nothing;
 * but one that has only just started has had no time yet to hear of it.
 * @param ownMs by this process's own observation
 */
export function silence({ status }: Sandbox, ownMs: number, now: number): number {
  if (ownMs < SHOWN_AFTER_MS) return ownMs;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const recorded = ready?.status === 'Unknown' ? unixMillis(ready.lastTransitionTime) : undefined;
  return Math.max(ownMs, now - (recorded ?? now));
}

/** Not lost yet, and perhaps not at all: the object stays as it is, and says after a moment that nobody knows. */
export function planSilence(sandbox: Sandbox, agent: AssignedAgent, now: number): Step {
  return waitFor(sandbox, agent, now, { before: undefined, after: sandbox.status ?? {} });
}

/** To be ended, and its agent has to say that it was. */
export function planUnheardEnd(sandbox: Sandbox, why: Why, agent: AssignedAgent, now: number): Step {
  const status = new StatusOf(sandbox, now).terminating(why);
  return waitFor(sandbox, agent, now, { before: status, after: status });
}

function waitFor(
  sandbox: Sandbox,
  agent: AssignedAgent,
  now: number,
  { before, after }: { before: SandboxStatus | undefined; after: SandboxStatus },
): Step {
  const { silentMs, podReady } = agent;
  const next = untilNextLook(sandbox, agent);
  if (silentMs < SHOWN_AFTER_MS) return { status: before, requeueAfterMs: Math.min(SHOWN_AFTER_MS - silentMs, next) };
  const pod = sandbox.status?.assignedPod ?? '';
  const message = `agent ${pod} is out of reach${podReady ? ', though its Pod is ready' : ''}: nobody knows whether it runs`;
  const status = new StatusOf(sandbox, now).unheard(after, { reason: 'AgentUnreachable', message }, silentMs);
  return { status, requeueAfterMs: next };
}

function untilNextLook(sandbox: Sandbox, agent: AssignedAgent): number {
  const left = isLost(sandbox, agent) ? 0 : msUntilLost(sandbox, agent);
  return left > 0 ? Math.min(left, LOOK_AGAIN_MS) : LOOK_AGAIN_MS;
}
