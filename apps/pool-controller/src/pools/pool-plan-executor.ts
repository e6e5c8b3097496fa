import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { keyOf } from '@fsb/controller-runtime/kinds';
import { type AgentCreation } from './agent-creation';
import { type AgentPodView } from './agent-pod-view';
import { type AgentRemoval } from './agent-removal';
import { type ExpectedPods } from './expected-pods';
import { type PoolPlan } from './pool-plan';

export interface PoolChangeParts {
  readonly events: EventRecorder;
  readonly expected: ExpectedPods;
  readonly creation: AgentCreation;
  readonly removal: AgentRemoval;
}

export interface PlanOutcome {
  /** an agent could not be removed yet; nothing failed */
  readonly retry: boolean;
  /** the first failure */
  readonly error: Error | undefined;
}

interface Round {
  readonly pool: SandboxPool;
  readonly namespace: string;
  readonly hash: string;
  readonly signal: AbortSignal;
}

/** Carries out plans. An agent that does not answer delays neither other agents nor the rest of the plan. */
export class PoolPlanExecutor {
  constructor(private readonly parts: PoolChangeParts) {}

  settle(pool: SandboxPool, signal: AbortSignal): Promise<void> {
    return this.parts.creation.settle(pool, signal);
  }

  async apply(pool: SandboxPool, plan: PoolPlan, hash: string, signal: AbortSignal): Promise<PlanOutcome> {
    const { creation, removal } = this.parts;
    const namespace = pool.metadata.namespace ?? '';
    const round = { pool, namespace, hash, signal };
    let retry = false;
    const steps = [
      ...(plan.create > 0 ? [creation.create(pool, plan.create, signal)] : []),
      ...plan.discard.map((pod) => this.discard(pod, round)),
      ...plan.keep.map((pod) => removal.keep(namespace, pod, signal)),
      ...plan.drain.map((pod) => this.drain(pod, round)),
      ...plan.remove.map(async (pod) => {
        const removed = await this.remove(pod, round);
        retry ||= !removed;
      }),
    ];
    const failed = (await Promise.allSettled(steps)).find((step) => step.status === 'rejected');
    return { retry, error: failed && toError(failed.reason) };
  }

  private async discard(pod: AgentPodView, { pool, namespace, signal }: Round): Promise<void> {
    await this.parts.removal.delete(namespace, pod, signal);
    this.expectGone(pool, pod);
    const message = `agent Pod ${pod.name} ended (${pod.reason}) and was removed`;
    this.parts.events.record(pool, 'Warning', 'AgentFailed', message);
  }

  private async drain(pod: AgentPodView, { pool, namespace, signal }: Round): Promise<void> {
    await this.parts.removal.drain(namespace, pod, signal);
    const message = `outdated agent Pod ${pod.name} is draining; it is removed when idle`;
    this.parts.events.record(pool, 'Normal', 'AgentRetired', message);
  }

  private async remove(pod: AgentPodView, { pool, namespace, hash, signal }: Round): Promise<boolean> {
    const outcome = await this.parts.removal.remove(namespace, pod, pod.hash !== hash, signal);
    if (outcome !== 'removed') return false;
    this.expectGone(pool, pod);
    const what = pod.hash === hash ? 'idle' : 'outdated idle';
    this.parts.events.record(pool, 'Normal', 'AgentRemoved', `removed ${what} agent Pod ${pod.name}`);
    return true;
  }

  private expectGone(pool: SandboxPool, { name, uid }: AgentPodView): void {
    this.parts.expected.forget(keyOf(pool), name);
    this.parts.expected.expectDeleted(keyOf(pool), uid);
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
