import { type Sandbox } from '@fsb/api/sandbox';
import { type Action, type Step } from './action';
import { failedTry } from './back-off';
import { whyLost } from './running-plan';
import { StatusBuilder, type StatusReason } from './status';
import { type AssignedAgent, type CreateOutcome, type RefusalCode, type World } from './world';

/**
 * Plans the step after a settled create call. Used only while the agent's report does not show the container.
 * @returns undefined if the outcome decides nothing
 */
export function planAfterCall(
  sandbox: Sandbox,
  agent: AssignedAgent,
  outcome: CreateOutcome,
  world: World,
): Step | undefined {
  const status = new StatusBuilder(sandbox, world.now);
  const forget: Action = { type: 'forget_call' };
  const exclude: Action = { type: 'exclude_agent', agentId: agent.id };
  const anyAgent: Action = { type: 'forget', what: 'placement' };
  const tries = failedTry(sandbox, world.now);
  const requeueAfterMs = tries.pauseMs;
  switch (outcome.kind) {
    case 'running':
      return afterSuccess(sandbox, agent, world, forget);
    case 'refused': {
      const why = { reason: REFUSALS[outcome.code], message: outcome.message };
      // an agent that has seen a newer generation accepts only a still newer one
      const next = outcome.code === 'stale_generation' ? {} : undefined;
      return { status: status.pending(why, next), actions: [forget, exclude] };
    }
    case 'failed': {
      // parts of it may be left on the agent: the next attempt has another id
      const why = { reason: 'CreateFailed', message: outcome.message };
      return { status: status.pending(why, {}, tries), actions: [forget, anyAgent, exclude], requeueAfterMs };
    }
    case 'image_not_found':
    case 'image_never_pull': {
      const why = { reason: IMAGE_REASONS[outcome.kind], message: outcome.message };
      return { status: status.pending(why, undefined, tries), actions: [forget, anyAgent], requeueAfterMs };
    }
    case 'command_not_found':
      return { status: status.failed({ reason: 'CommandNotFound', message: outcome.message }), actions: [forget] };
    case 'image_faulty':
      return { status: status.failed({ reason: 'ImageFaulty', message: outcome.message }), actions: [forget] };
    case 'invalid_argument':
      return { status: status.failed({ reason: 'InvalidSpec', message: outcome.message }), actions: [forget] };
    case 'no_answer': {
      if (world.report.state !== 'absent') return undefined;
      const why = { reason: 'AgentUnreachable', message: outcome.message };
      return { status: status.waiting(why, tries), actions: [forget], requeueAfterMs };
    }
  }
}

function afterSuccess(sandbox: Sandbox, agent: AssignedAgent, world: World, forget: Action): Step {
  const status = new StatusBuilder(sandbox, world.now);
  const inDoubt = world.report.state === 'unknown' && agent.presence !== 'gone';
  if (inDoubt) return { status: status.running(agent.podIP), actions: [forget] };
  return { status: status.lost(whyLost(sandbox, world) ?? GONE_AGAIN), actions: [forget] };
}

const GONE_AGAIN: StatusReason = { reason: 'ContainerGone', message: 'its container was made, and is gone' };
const IMAGE_REASONS = { image_not_found: 'ImagePullFailed', image_never_pull: 'ErrImageNeverPull' } as const;
const REFUSALS: Record<RefusalCode, string> = {
  slots_full: 'InsufficientCapacity',
  memory_full: 'InsufficientCapacity',
  storage_full: 'InsufficientCapacity',
  port_taken: 'PortTaken',
  draining: 'AgentDraining',
  other_agent: 'AgentUnreachable',
  stale_generation: 'StaleGeneration',
  unreachable: 'AgentUnreachable',
};
