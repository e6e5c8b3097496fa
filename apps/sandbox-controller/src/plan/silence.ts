import { type Sandbox, type SandboxStatus } from '@fsb/api/sandbox';
import { type Step } from './action';
import { isLost, msUntilLost } from './container-end';
import { unixMillis } from './instant';
import { StatusBuilder, type StatusReason } from './status';
import { type AssignedAgent } from './world';

/** Silence before the object shows it, beyond the 6 s of its stream; an agent that restarts is back by then. */
const SHOWN_AFTER_MS = 5_000;
/** Longest requeue interval while an agent is out of reach. */
const LOOK_AGAIN_MS = 5_000;

/**
 * Milliseconds for which an agent has been out of reach. The object records since when, so that a new leader does not
 * count from 0. In the first 5 s of its own observation the record is ignored: its streams may only be connecting.
 * @param ownMs silence as this process has observed it
 */
export function silence({ status }: Sandbox, ownMs: number, now: number): number {
  if (ownMs < SHOWN_AFTER_MS) return ownMs;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const recorded = ready?.status === 'Unknown' ? unixMillis(ready.lastTransitionTime) : undefined;
  return Math.max(ownMs, now - (recorded ?? now));
}

/** Plans a sandbox whose agent is silent but not lost: after 5 s its Ready condition becomes Unknown, nothing else. */
export function planSilence(sandbox: Sandbox, agent: AssignedAgent, now: number): Step {
  return waitFor(sandbox, agent, now, { before: undefined, after: sandbox.status ?? {} });
}

/** Plans an ending whose agent is silent: the object is Terminating until the agent confirms it or is lost. */
export function planSilentEnding(sandbox: Sandbox, why: StatusReason, agent: AssignedAgent, now: number): Step {
  const status = new StatusBuilder(sandbox, now).terminating(why);
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
  const message = `agent ${pod} is out of reach${podReady ? ', though its Pod is ready' : ''}: whether it runs is unknown`;
  const status = new StatusBuilder(sandbox, now).readyUnknown(after, { reason: 'AgentUnreachable', message }, silentMs);
  return { status, requeueAfterMs: next };
}

function untilNextLook(sandbox: Sandbox, agent: AssignedAgent): number {
  const left = isLost(sandbox, agent) ? 0 : msUntilLost(sandbox, agent);
  return left > 0 ? Math.min(left, LOOK_AGAIN_MS) : LOOK_AGAIN_MS;
}
