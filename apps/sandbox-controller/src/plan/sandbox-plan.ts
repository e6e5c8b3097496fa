import { isDeepStrictEqual } from 'node:util';
import { ALLOCATION_ANNOTATION, SANDBOX_FINALIZER } from '@fsb/api/labels';
import { hasEnded } from '@fsb/api/phases';
import { type Sandbox, type SandboxStatus } from '@fsb/api/sandbox';
import { type Action, type Plan, type Step } from './action';
import { endOfContainers, isLost } from './container-end';
import { endingOf, planEnding } from './ending-plan';
import { planFinished, planLost } from './finished-plan';
import { isOwn, withAllocation } from './identity';
import { isLater, unixMillis } from './instant';
import { planBound, planPending } from './placement-plan';
import { planRunning } from './running-plan';
import { planUnheardEnd } from './silence';
import { StatusOf } from './status';
import { planStrays } from './stray-plan';
import { transitionEvent } from './transition-event';
import { type World } from './world';

/** A timer of Node's holds no more than 24 days; nothing is hurt by a look in between. */
const LONGEST_PAUSE_MS = 3_600_000;

/** Everything that is to be done for a Sandbox object as it stands. Pure: all that it knows of the world is `world`. */
export function planSandbox(object: Sandbox, world: World): Plan {
  const sandbox = withAllocation(object);
  if (object.metadata.deletionTimestamp) return planDeletion(object, sandbox, world);
  if (!hasFinalizer(object)) return { actions: [{ type: 'add_finalizer' }] };
  const reason = endingOf(sandbox, world);
  const step = reason ? planEnding(reason, sandbox, world) : planPhase(sandbox, world);
  const strays = planStrays(sandbox, world);
  const pauses = [step.requeueAfterMs, strays.requeueAfterMs, untilExpiry(sandbox, world)];
  return {
    actions: [
      ...ignoredReset(object),
      ...around(object, sandbox, step),
      ...bindings(sandbox, world),
      ...strays.actions,
    ],
    requeueAfterMs: shortest(pauses),
  };
}

function planPhase(sandbox: Sandbox, world: World): Step {
  switch (sandbox.status?.phase ?? 'Pending') {
    case 'Pending':
      return planPending(sandbox, world);
    case 'Bound':
      return planBound(sandbox, world);
    case 'Running':
    case 'Terminating': // for no reason of ours: somebody wrote it, and the agent says what is true
      return planRunning(sandbox, world);
    case 'Lost':
      return planLost(sandbox, world);
    case 'Succeeded':
    case 'Failed':
    case 'Expired':
      return planFinished(sandbox, world);
  }
}

/** At any phase: whatever is still there is ended, and what is not found has been. */
function planDeletion(object: Sandbox, sandbox: Sandbox, world: World): Plan {
  const end = endOfContainers(sandbox, world);
  const why = { reason: 'Deleted', message: 'its container is being ended' };
  if (end.state === 'ending') {
    const step: Step = { status: new StatusOf(sandbox, world.now).terminating(why), actions: end.deletes };
    return { actions: around(object, sandbox, step), requeueAfterMs: end.requeueAfterMs };
  }
  const { agent } = world;
  if (end.state === 'out_of_reach' && agent && (!isLost(sandbox, agent) || end.deletes.length > 0)) {
    const step: Step = { ...planUnheardEnd(sandbox, why, agent, world.now), actions: end.deletes };
    return { actions: around(object, sandbox, step), requeueAfterMs: step.requeueAfterMs };
  }
  if (!hasFinalizer(object)) return { actions: [] };
  const given = end.state === 'out_of_reach' ? [abandoned(end.agentId, sandbox)] : [];
  return { actions: [...given, { type: 'remove_finalizer' }] };
}

/** Without an object it is an orphan: ended by the janitor of its node, or here, once its agent is heard of. */
function abandoned(agentId: string, { status }: Sandbox): Action {
  const message = `agent ${agentId} is lost and cannot say whether container ${status?.sandboxID ?? ''} is gone: the janitor ends what is left`;
  return { type: 'event', level: 'Warning', reason: 'AgentLost', message };
}

/** The status is written where it differs, before anything is done on its strength. */
function around(object: Sandbox, sandbox: Sandbox, { status: wanted, before = [], actions = [] }: Step): Action[] {
  const next = wanted ?? sandbox.status;
  if (next === undefined) return [...before, ...actions];
  const { generation } = object.metadata;
  const status: SandboxStatus = generation === undefined ? next : { ...next, observedGeneration: generation };
  const write: Action[] = isDeepStrictEqual(status, object.status) ? [] : [{ type: 'set_status', status }];
  const event = transitionEvent(object.status, status);
  return [...before, ...write, ...(event ? [event] : []), ...actions, ...allocationRemoval(object, status)];
}

/** Said once a generation: whoever reset by a clock that is behind would wait for ever. */
function ignoredReset({ metadata, spec: { resetRevision }, status }: Sandbox): Action[] {
  const accepted = status?.acceptedResetRevision;
  const isNew = metadata.generation !== undefined && status?.observedGeneration !== metadata.generation;
  if (!isNew || resetRevision === undefined || !isLater(accepted, resetRevision)) return [];
  const message = `resetRevision ${resetRevision} is not later than ${accepted ?? ''}, which was followed: nothing is reset`;
  return [{ type: 'event', level: 'Warning', reason: 'ResetIgnored', message }];
}

/** The annotation goes once the status says the same, or has gone on from there. */
function allocationRemoval({ metadata }: Sandbox, { phase }: SandboxStatus): Action[] {
  const annotated = metadata.annotations?.[ALLOCATION_ANNOTATION] !== undefined;
  return annotated && phase !== undefined ? [{ type: 'remove_allocation' }] : [];
}

/** An agent is told which object stands for a container that came first. */
function bindings(sandbox: Sandbox, { claimed }: World): Action[] {
  return claimed
    .filter(({ sandbox: container }) => container.claimUid === '' && isOwn(sandbox, container))
    .filter(({ sandbox: { phase } }) => phase !== 'terminating')
    .map(({ agentId, sandbox: { sandboxId } }) => ({ type: 'bind', agentId, sandboxId }));
}

function untilExpiry({ spec, status }: Sandbox, { now }: World): number | undefined {
  const at = unixMillis(spec.expireTime);
  return at === undefined || hasEnded(status?.phase) || at <= now ? undefined : at - now;
}

function shortest(pauses: readonly (number | undefined)[]): number | undefined {
  const given = pauses.filter((pause) => pause !== undefined);
  return given.length > 0 ? Math.min(LONGEST_PAUSE_MS, ...given) : undefined;
}

function hasFinalizer({ metadata }: Sandbox): boolean {
  return metadata.finalizers?.includes(SANDBOX_FINALIZER) ?? false;
}
