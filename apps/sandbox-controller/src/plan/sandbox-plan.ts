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
import { planSilentEnding } from './silence';
import { StatusBuilder } from './status';
import { planStrays } from './stray-plan';
import { transitionEvent } from './transition-event';
import { type World } from './world';

/** Bound on requeues: Node's timers hold at most 24 days, and an early pass is harmless. */
const LONGEST_PAUSE_MS = 3_600_000;

/**
 * Plans all that is to be done for a Sandbox object. Pure: it knows only `object` and `world`.
 * @param object as stored; an allocation annotation counts as its assignment, see {@link withAllocation}
 */
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
      ...withStatus(object, sandbox, step),
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
    case 'Terminating': // without an ending's reason: another client wrote it, and the agent's report decides
      return planRunning(sandbox, world);
    case 'Lost':
      return planLost(sandbox, world);
    case 'Succeeded':
    case 'Failed':
    case 'Expired':
      return planFinished(sandbox, world);
  }
}

/** Plans a deleted object, in any phase: end its containers, then remove the finalizer. */
function planDeletion(object: Sandbox, sandbox: Sandbox, world: World): Plan {
  const end = endOfContainers(sandbox, world);
  const why = { reason: 'Deleted', message: 'its container is being ended' };
  if (end.state === 'ending') {
    const step: Step = { status: new StatusBuilder(sandbox, world.now).terminating(why), actions: end.deletes };
    return { actions: withStatus(object, sandbox, step), requeueAfterMs: end.requeueAfterMs };
  }
  const { agent } = world;
  if (end.state === 'out_of_reach' && agent && (!isLost(sandbox, agent) || end.deletes.length > 0)) {
    const step: Step = { ...planSilentEnding(sandbox, why, agent, world.now), actions: end.deletes };
    return { actions: withStatus(object, sandbox, step), requeueAfterMs: step.requeueAfterMs };
  }
  if (!hasFinalizer(object)) return { actions: [] };
  const given = end.state === 'out_of_reach' ? [unconfirmedEnd(end.agentId, sandbox)] : [];
  return { actions: [...given, { type: 'remove_finalizer' }] };
}

/** Without an object the container is an orphan: ended by its node's janitor, or here once its agent is back. */
function unconfirmedEnd(agentId: string, { status }: Sandbox): Action {
  const message = `agent ${agentId} is lost, so the end of container ${status?.sandboxID ?? ''} is not confirmed: the janitor ends what is left`;
  return { type: 'event', level: 'Warning', reason: 'AgentLost', message };
}

/** Adds the write of the status, if it differs, before the actions that rely on it. */
function withStatus(object: Sandbox, sandbox: Sandbox, { status: wanted, before = [], actions = [] }: Step): Action[] {
  const next = wanted ?? sandbox.status;
  if (next === undefined) return [...before, ...actions];
  const { generation } = object.metadata;
  const status: SandboxStatus = generation === undefined ? next : { ...next, observedGeneration: generation };
  const write: Action[] = isDeepStrictEqual(status, object.status) ? [] : [{ type: 'set_status', status }];
  const event = transitionEvent(object.status, status);
  return [...before, ...write, ...(event ? [event] : []), ...actions, ...allocationRemoval(object, status)];
}

/** Event, once for each generation, for a reset whose time is too early: its user's clock may be behind. */
function ignoredReset({ metadata, spec: { resetRevision }, status }: Sandbox): Action[] {
  const accepted = status?.acceptedResetRevision;
  const isNew = metadata.generation !== undefined && status?.observedGeneration !== metadata.generation;
  if (!isNew || resetRevision === undefined || !isLater(accepted, resetRevision)) return [];
  const message = `resetRevision ${resetRevision} is not later than the accepted ${accepted ?? ''}: nothing is reset`;
  return [{ type: 'event', level: 'Warning', reason: 'ResetIgnored', message }];
}

/** Removes the allocation annotation once the status carries the assignment, or a later state. */
function allocationRemoval({ metadata }: Sandbox, { phase }: SandboxStatus): Action[] {
  const annotated = metadata.annotations?.[ALLOCATION_ANNOTATION] !== undefined;
  return annotated && phase !== undefined ? [{ type: 'remove_allocation' }] : [];
}

/** Tells agents the uid of the object for its unbound containers. */
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
