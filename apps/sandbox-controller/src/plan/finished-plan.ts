import { type Sandbox } from '@fsb/api/sandbox';
import { type Step } from './action';
import { recreationPause } from './back-off';
import { followReport } from './container-report';
import { isExpired, planEnding } from './ending-plan';
import { unixMillis } from './instant';
import { CONTAINER_GONE } from './status';
import { type World } from './world';

/** Plans a Lost sandbox: an agent that returns with the container restores it; else the failure policy decides. */
export function planLost(sandbox: Sandbox, world: World): Step {
  const { agent, report } = world;
  if (agent && report.state === 'known') return followReport(sandbox, agent, report.sandbox, world);
  return isRecreated(sandbox, world) ? recreate(sandbox, world) : {};
}

/** Plans a Succeeded, Failed or Expired sandbox: recreation, or deletion after ttlSecondsAfterFinished. */
export function planFinished(sandbox: Sandbox, world: World): Step {
  const { spec, status } = sandbox;
  if (hasEndedBadly(sandbox) && isRecreated(sandbox, world)) return recreate(sandbox, world);
  const finished = unixMillis(status?.finishedAt);
  if (spec.ttlSecondsAfterFinished === undefined || finished === undefined) return {};
  const left = finished + spec.ttlSecondsAfterFinished * 1000 - world.now;
  return left > 0 ? { requeueAfterMs: left } : { actions: [{ type: 'delete_object' }] };
}

/** Reasons of processes that ran and whose exit code is unknown. */
const CODE_UNKNOWN: ReadonlySet<string | undefined> = new Set([CONTAINER_GONE, 'ShimLost']);

/** Whether its process failed. A recreation does not help one that could not start or whose pool is gone. */
function hasEndedBadly({ status }: Sandbox): boolean {
  if (status?.phase !== 'Failed') return false;
  return (status.exitCode ?? 0) !== 0 || CODE_UNKNOWN.has(status.reason);
}

function isRecreated(sandbox: Sandbox, world: World): boolean {
  return sandbox.spec.failurePolicy === 'AutoRecreate' && world.pool === 'present' && !isExpired(sandbox, world);
}

/** Recreates the container after the back-off; retryAt shows when. */
function recreate(sandbox: Sandbox, world: World): Step {
  const due = (unixMillis(sandbox.status?.finishedAt) ?? 0) + recreationPause(sandbox);
  const left = due - world.now;
  if (left <= 0) return planEnding('Recreate', sandbox, world);
  const retryAt = new Date(due).toISOString();
  const isRecorded = sandbox.status?.retryAt === retryAt;
  return { ...(isRecorded ? {} : { status: { ...sandbox.status, retryAt } }), requeueAfterMs: left };
}
