import { type Sandbox } from '@fsb/api/sandbox';
import { type SandboxPool, type SandboxPoolStatus } from '@fsb/api/sandbox-pool';
import { type EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { type Informer } from '@fsb/controller-runtime/informer';
import { keyOf, type Pod, POOL_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type Reconciler, type Result } from '@fsb/controller-runtime/reconciler';
import { type AgentCreation } from './agent-creation';
import { templateHash } from './agent-pod';
import { agentPodView, type AgentPodView, isOwnedBy } from './agent-pod-view';
import { type AgentRemoval } from './agent-removal';
import { type ExpectedPods } from './expected-pods';
import { capacityOf, problemsOf } from './pool-capacity';
import { demandOf } from './pool-demand';
import { planPool, type PoolPlan, type PoolWorld } from './pool-plan';
import { invalidStatus, isSameStatus, validStatus } from './pool-status';

export interface PoolCaches {
  readonly pools: Informer<SandboxPool>;
  readonly pods: Informer<Pod>;
  readonly sandboxes: Informer<Sandbox>;
}

export interface PoolParts {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly expected: ExpectedPods;
  readonly creation: AgentCreation;
  readonly removal: AgentRemoval;
}

/** Nothing that the caches have missed stays unnoticed for longer. */
const RESYNC_MS = 600_000;
/** An agent that was busy or silent when it was to go is asked again. */
const RETRY_MS = 2_000;

/** Keeps a pool's agents at the number that its spec and its Sandboxes ask for. */
export class PoolReconciler implements Reconciler {
  constructor(
    private readonly caches: PoolCaches,
    private readonly parts: PoolParts,
  ) {}

  async reconcile(key: string, signal: AbortSignal): Promise<Result | undefined> {
    const pool = this.caches.pools.get(key);
    // a deleted pool's Pods go by their owner reference, its Sandboxes are the sandbox-controller's
    if (!pool || pool.metadata.deletionTimestamp !== undefined) {
      this.parts.expected.forgetPool(key);
      return undefined;
    }
    const problems = problemsOf(pool);
    if (problems.length > 0) return this.refuse(pool, problems, signal);
    await this.parts.creation.settle(pool, signal);
    const plan = planPool(this.read(pool));
    const outcome = await this.apply(pool, plan, signal).catch((error: unknown) => ({ error }));
    await this.writeStatus(pool, validStatus(pool, { ...this.read(pool), desired: plan.desired }, new Date()), signal);
    if ('error' in outcome) throw outcome.error;
    return { requeueAfterMs: Math.min(plan.againInMs ?? RESYNC_MS, outcome.retry ? RETRY_MS : RESYNC_MS) };
  }

  private read(pool: SandboxPool): PoolWorld {
    const { namespace, name = '' } = pool.metadata;
    const cached = this.caches.pods.list(namespace).filter((pod) => isOwnedBy(pod, pool));
    return {
      capacity: capacityOf(pool),
      demand: demandOf(name, this.caches.sandboxes.list(namespace)),
      pods: this.parts.expected.apply(keyOf(pool), cached).map(agentPodView),
      hash: templateHash(pool),
      now: Date.now(),
    };
  }

  /** @returns whether something must be tried again although nothing failed */
  private async apply(pool: SandboxPool, plan: PoolPlan, signal: AbortSignal): Promise<{ retry: boolean }> {
    const namespace = pool.metadata.namespace ?? '';
    const { creation, removal, events } = this.parts;
    if (plan.create > 0) await creation.create(pool, plan.create, signal);
    for (const pod of plan.keep) await removal.keep(namespace, pod, signal);
    for (const pod of plan.discard) {
      await removal.delete(namespace, pod, signal);
      this.gone(pool, pod);
      events.record(pool, 'Warning', 'AgentFailed', `agent Pod ${pod.name} ended and was removed`);
    }
    let retry = false;
    for (const pod of plan.remove) {
      const outcome = await removal.remove(namespace, pod, signal);
      retry ||= outcome !== 'removed';
      if (outcome !== 'removed') continue;
      this.gone(pool, pod);
      events.record(pool, 'Normal', 'AgentRemoved', `removed idle agent Pod ${pod.name}`);
    }
    return { retry };
  }

  private gone(pool: SandboxPool, { name, uid }: AgentPodView): void {
    this.parts.expected.forget(keyOf(pool), name);
    this.parts.expected.expectDeleted(keyOf(pool), uid);
  }

  private async refuse(pool: SandboxPool, problems: readonly string[], signal: AbortSignal): Promise<undefined> {
    const status = invalidStatus(pool, problems, new Date());
    if (isSameStatus(pool.status, status)) return;
    this.parts.events.record(pool, 'Warning', 'InvalidSpec', problems.join('; '));
    await this.writeStatus(pool, status, signal);
  }

  private async writeStatus(pool: SandboxPool, status: SandboxPoolStatus, signal: AbortSignal): Promise<void> {
    if (isSameStatus(pool.status, status)) return;
    const { namespace = '', name = '' } = pool.metadata;
    await this.parts.client.patchStatus(POOL_KIND, { namespace, name }, { status }, { signal });
  }
}
