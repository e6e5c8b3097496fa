import { type Sandbox } from '@fsb/api/sandbox';
import { currentSandboxId } from '@fsb/api/sandbox-id';
import { type Step } from './action';
import { planAfterCall } from './after-call';
import { nextTry } from './back-off';
import { followReport } from './container-report';
import { isAcknowledged } from './identity';
import { whyLost } from './running-plan';
import { planSilence } from './silence';
import { StatusBuilder } from './status';
import { type AssignedAgent, type Inputs, type World } from './world';

/** Retry interval for a missing pool; its informer usually triggers earlier. */
const POOL_AGAIN_MS = 10_000;

/** Plans a Pending sandbox: it has no container. The status records the chosen agent before that agent is asked. */
export function planPending(sandbox: Sandbox, world: World): Step {
  const status = new StatusBuilder(sandbox, world.now);
  const sandboxId = currentSandboxId(sandbox);
  const { poolRef } = sandbox.spec;
  const there = world.claimed.find((claimed) => claimed.sandbox.sandboxId === sandboxId);
  if (there) {
    return { status: status.bound({ assignedPod: there.podName, nodeName: there.nodeName, sandboxID: sandboxId }) };
  }
  if (world.pool !== 'present') {
    const message = `there is no SandboxPool "${poolRef}" in namespace ${sandbox.metadata.namespace ?? ''}`;
    return { status: status.pending({ reason: 'PoolNotFound', message }), requeueAfterMs: POOL_AGAIN_MS };
  }
  const notBefore = startOf(sandbox, world);
  if (world.now < notBefore) return later(sandbox, world.now, notBefore);
  const { candidate, inputs } = world;
  if (inputs?.state !== 'resolved') return withoutInputs(status, inputs);
  if (candidate?.state !== 'found') {
    const { reason, message } = candidate ?? { reason: 'NoAgent', message: `pool ${poolRef} has no agent` };
    return { status: status.pending({ reason, message }), actions: [{ type: 'back_off', for: 'agent' }] };
  }
  const { agentId, podName, nodeName } = candidate;
  return {
    before: [{ type: 'reserve', agentId, sandboxId, resources: inputs.resources }],
    status: status.bound({ assignedPod: podName, nodeName, sandboxID: sandboxId }),
    actions: [{ type: 'start_create', agentId, sandboxId, inputs, fresh: true }],
  };
}

/**
 * Plans a Bound sandbox, whose agent was asked or was about to be. Only that agent is asked again, with the same id,
 * until it answers or is lost; only then is there another container, with another id.
 */
export function planBound(sandbox: Sandbox, world: World): Step {
  const { agent, report, call } = world;
  if (!agent) {
    const why = { reason: 'NotAssigned', message: 'it is assigned to no agent' };
    return { status: new StatusBuilder(sandbox, world.now).pending(why) };
  }
  if (report.state === 'known') return followReport(sandbox, agent, report.sandbox, world);
  const isOwnCall = call?.state === 'settled' && call.agentId === agent.id;
  const answered = isOwnCall ? planAfterCall(sandbox, agent, call.outcome, world) : undefined;
  if (answered) return answered;
  if (agent.presence === 'gone' || report.state === 'unknown' || isAcknowledged(sandbox)) {
    return withoutReport(sandbox, agent, world);
  }
  return call?.state === 'in_flight' ? {} : askAgent(sandbox, agent, world); // the end of the call requeues the key
}

function withoutReport(sandbox: Sandbox, agent: AssignedAgent, world: World): Step {
  const status = new StatusBuilder(sandbox, world.now);
  const why = whyLost(sandbox, world);
  if (why) return { status: isAcknowledged(sandbox) ? status.lost(why) : status.pending(why, {}) };
  return planSilence(sandbox, agent, world.now);
}

/** Unix ms of the next try: the later of this process's own pause and the object's retryAt. */
function startOf(sandbox: Sandbox, { now, notBefore }: World): number {
  return Math.max(notBefore, nextTry(sandbox, now));
}

function later(sandbox: Sandbox, now: number, notBefore: number): Step {
  const status = sandbox.status?.phase
    ? undefined
    : new StatusBuilder(sandbox, now).pending({ reason: 'Waiting', message: 'it waits for its placement' });
  return { status, requeueAfterMs: notBefore - now };
}

function withoutInputs(status: StatusBuilder, inputs: Exclude<Inputs, { state: 'resolved' }> | undefined): Step {
  if (inputs?.state === 'invalid') return { status: status.failed({ reason: 'InvalidSpec', message: inputs.message }) };
  const message = inputs?.message ?? 'its Secrets and ConfigMaps are not read yet';
  return {
    status: status.pending({ reason: 'ReferenceNotFound', message }),
    actions: [{ type: 'back_off', for: 'time' }],
  };
}

function askAgent(sandbox: Sandbox, agent: AssignedAgent, world: World): Step {
  const { inputs, now } = world;
  const status = new StatusBuilder(sandbox, now);
  const notBefore = startOf(sandbox, world);
  if (now < notBefore) return { requeueAfterMs: notBefore - now };
  if (inputs?.state === 'invalid') return { status: status.failed({ reason: 'InvalidSpec', message: inputs.message }) };
  if (inputs?.state !== 'resolved') {
    const message = inputs?.message ?? 'its Secrets and ConfigMaps are not read yet';
    return {
      status: status.waiting({ reason: 'ReferenceNotFound', message }),
      actions: [{ type: 'back_off', for: 'time' }],
    };
  }
  return {
    actions: [{ type: 'start_create', agentId: agent.id, sandboxId: currentSandboxId(sandbox), inputs, fresh: false }],
  };
}
