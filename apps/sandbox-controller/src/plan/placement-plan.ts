import { type Sandbox } from '@fsb/api/sandbox';
import { type Action, type Step } from './action';
import { followReport } from './container-report';
import { currentId, isAcknowledged } from './identity';
import { untilNextLook, whyLost } from './running-plan';
import { StatusOf, type Why } from './status';
import { type AssignedAgent, type CreateCall, type Inputs, type World } from './world';

/** A pool that does not exist is also announced by its informer. */
const POOL_AGAIN_MS = 10_000;

/** Pending: no agent may have a container of it. The object says which agent will, before that agent is asked. */
export function planPending(sandbox: Sandbox, world: World): Step {
  const status = new StatusOf(sandbox, world.now);
  const sandboxId = currentId(sandbox);
  const { poolRef } = sandbox.spec;
  const there = world.claimed.find((claimed) => claimed.sandbox.sandboxId === sandboxId);
  if (there) {
    return { status: status.bound({ assignedPod: there.podName, nodeName: there.nodeName, sandboxID: sandboxId }) };
  }
  if (world.pool !== 'present') {
    const message = `there is no SandboxPool "${poolRef}" in namespace ${sandbox.metadata.namespace ?? ''}`;
    return { status: status.pending({ reason: 'PoolNotFound', message }), requeueAfterMs: POOL_AGAIN_MS };
  }
  if (world.now < world.notBefore) return later(sandbox, world);
  const { candidate, inputs } = world;
  if (inputs?.state !== 'resolved') return withoutInputs(status, inputs);
  if (candidate?.state !== 'found') {
    const { reason, message } = candidate ?? { reason: 'NoAgent', message: `pool ${poolRef} has no agent` };
    return { status: status.pending({ reason, message }), actions: [{ type: 'back_off' }] };
  }
  const { agentId, podName, nodeName } = candidate;
  return {
    before: [{ type: 'reserve', agentId, sandboxId }],
    status: status.bound({ assignedPod: podName, nodeName, sandboxID: sandboxId }),
    actions: [{ type: 'start_create', agentId, sandboxId, inputs, fresh: true }],
  };
}

/**
 * Bound: its agent has been asked, or was about to be. That agent alone is asked again, under the same id, until it
 * answers or is lost; only then is there another container, and under another id.
 */
export function planBound(sandbox: Sandbox, world: World): Step {
  const { agent, report, call } = world;
  const status = new StatusOf(sandbox, world.now);
  if (!agent) return { status: status.pending({ reason: 'NotAssigned', message: 'it is assigned to no agent' }) };
  if (report.state === 'known') return followReport(sandbox, agent, report.sandbox, world);
  const answered = call?.state === 'settled' ? afterCall(sandbox, agent, call, world) : undefined;
  if (answered) return answered;
  if (
    call?.state !== 'in_flight' &&
    report.state === 'absent' &&
    agent.presence !== 'gone' &&
    !isAcknowledged(sandbox)
  ) {
    return askAgent(sandbox, agent, world);
  }
  if (call?.state === 'in_flight' && report.state === 'absent') return {}; // its end puts the key back
  const why = whyLost(sandbox, world);
  if (!why) {
    const message = `agent ${sandbox.status?.assignedPod ?? ''} is out of reach`;
    const requeueAfterMs = untilNextLook(sandbox, agent);
    return { status: status.waiting({ reason: 'AgentUnreachable', message }), requeueAfterMs };
  }
  return isAcknowledged(sandbox) ? { status: status.lost(why) } : { status: status.pending(why, {}) };
}

function later(sandbox: Sandbox, { now, notBefore }: World): Step {
  const status = sandbox.status?.phase
    ? undefined
    : new StatusOf(sandbox, now).pending({ reason: 'Waiting', message: 'it is to be placed' });
  return { status, requeueAfterMs: notBefore - now };
}

function withoutInputs(status: StatusOf, inputs: Exclude<Inputs, { state: 'resolved' }> | undefined): Step {
  if (inputs?.state === 'invalid') return { status: status.failed({ reason: 'InvalidSpec', message: inputs.message }) };
  const message = inputs?.message ?? 'what it refers to is not read yet';
  return { status: status.pending({ reason: 'ReferenceNotFound', message }), actions: [{ type: 'back_off' }] };
}

function askAgent(sandbox: Sandbox, agent: AssignedAgent, world: World): Step {
  const { inputs, now, notBefore } = world;
  const status = new StatusOf(sandbox, now);
  if (now < notBefore) return { requeueAfterMs: notBefore - now };
  if (inputs?.state === 'invalid') return { status: status.failed({ reason: 'InvalidSpec', message: inputs.message }) };
  if (inputs?.state !== 'resolved') {
    const message = inputs?.message ?? 'what it refers to is not read yet';
    return { status: status.waiting({ reason: 'ReferenceNotFound', message }), actions: [{ type: 'back_off' }] };
  }
  return {
    actions: [{ type: 'start_create', agentId: agent.id, sandboxId: currentId(sandbox), inputs, fresh: false }],
  };
}

/** @returns undefined where the answer says less than the agent's report does */
function afterCall(
  sandbox: Sandbox,
  agent: AssignedAgent,
  { outcome }: Extract<CreateCall, { state: 'settled' }>,
  world: World,
): Step | undefined {
  const status = new StatusOf(sandbox, world.now);
  const forget: Action = { type: 'forget_call', agentId: agent.id, sandboxId: currentId(sandbox) };
  const exclude: Action = { type: 'exclude_agent', agentId: agent.id };
  const again = (why: Why, more: readonly Action[]): Step => ({
    status: status.pending(why),
    actions: [forget, ...more],
  });
  switch (outcome.kind) {
    case 'running':
      if (world.report.state === 'unknown' && agent.presence !== 'gone') return { status: status.running(agent.podIP) };
      return { status: status.lost(whyLost(sandbox, world) ?? goneAgain), actions: [forget] };
    case 'refused': {
      const why = { reason: REFUSALS[outcome.code], message: outcome.message };
      // an agent that has seen a newer generation takes only one that is newer still
      if (outcome.code === 'stale_generation') return { status: status.pending(why, {}), actions: [forget, exclude] };
      return again(why, [exclude]);
    }
    case 'image_not_found':
      return again({ reason: 'ImagePullFailed', message: outcome.message }, [{ type: 'back_off' }]);
    case 'command_not_found':
      return { status: status.failed({ reason: 'CommandNotFound', message: outcome.message }), actions: [forget] };
    case 'invalid_argument':
      return { status: status.failed({ reason: 'InvalidSpec', message: outcome.message }), actions: [forget] };
    case 'failed': {
      // something of it may be left there: the next one has another id
      const why = { reason: 'CreateFailed', message: outcome.message };
      return { status: status.pending(why, {}), actions: [forget, { type: 'back_off' }, exclude] };
    }
    case 'no_answer':
      if (world.report.state !== 'absent') return undefined;
      return {
        status: status.waiting({ reason: 'AgentUnreachable', message: outcome.message }),
        actions: [forget, { type: 'back_off' }],
      };
  }
}

const goneAgain: Why = { reason: 'ContainerGone', message: 'its container was made, and is gone' };
const REFUSALS: Record<
  Extract<Extract<CreateCall, { state: 'settled' }>['outcome'], { kind: 'refused' }>['code'],
  string
> = {
  slots_full: 'InsufficientCapacity',
  memory_full: 'InsufficientCapacity',
  port_taken: 'PortTaken',
  draining: 'AgentDraining',
  stale_generation: 'StaleGeneration',
  unauthenticated: 'AgentRefusesToken',
  unreachable: 'AgentUnreachable',
};
