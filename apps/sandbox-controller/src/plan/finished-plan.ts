import { type Sandbox } from '@fsb/api/sandbox';
import { type Step } from './action';
import { followReport } from './container-report';
import { planEnding } from './ending-plan';
import { unixMillis } from './instant';
import { type World } from './world';

const FIRST_RECREATION_MS = 1_000;
const LAST_RECREATION_MS = 300_000;

/** Lost: an agent that comes back with the container brings the sandbox back; else the failure policy decides. */
export function planLost(sandbox: Sandbox, world: World): Step {
  const { agent, report } = world;
  if (agent && report.state === 'known') return followReport(sandbox, agent, report.sandbox, world);
  return sandbox.spec.failurePolicy === 'AutoRecreate' ? recreate(sandbox, world) : {};
}

/** Succeeded, Failed, Expired: the object and its log stay as long as they are asked to. */
export function planFinished(sandbox: Sandbox, world: World): Step {
  const { spec, status } = sandbox;
  const exited = status?.phase === 'Failed' && status.exitCode !== undefined && status.exitCode !== 0;
  if (exited && spec.failurePolicy === 'AutoRecreate') return recreate(sandbox, world);
  const finished = unixMillis(status?.finishedAt);
  if (spec.ttlSecondsAfterFinished === undefined || finished === undefined) return {};
  const left = finished + spec.ttlSecondsAfterFinished * 1000 - world.now;
  return left > 0 ? { requeueAfterMs: left } : { actions: [{ type: 'delete_object' }] };
}

/** Twice as long each time, for as long as it keeps failing. */
function recreate(sandbox: Sandbox, world: World): Step {
  if (world.pool !== 'present') return {};
  const pause = Math.min(FIRST_RECREATION_MS * 2 ** Math.min(world.recreations, 20), LAST_RECREATION_MS);
  const left = (unixMillis(sandbox.status?.finishedAt) ?? 0) + pause - world.now;
  return left > 0 ? { requeueAfterMs: left } : planEnding('Recreate', sandbox, world);
}
