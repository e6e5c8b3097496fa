import { isApiError } from '@fsb/api/errors';
import { type PoolDemandObject } from '@fsb/api/pool-demand';
import { type SandboxPool, type SandboxPoolStatus } from '@fsb/api/sandbox-pool';
import { type EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { CONFIG_MAP_KIND, POOL_KIND, splitKey } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type Reconciler, type Result } from '@fsb/controller-runtime/reconciler';
import { type AgentCertificates } from '../certificates/agent-certificates';
import { type AgentPodView } from './agent-pod-view';
import { type PoolChange } from './pool-change';
import { problemsOf } from './pool-capacity';
import { type PoolMetrics } from './pool-metrics';
import { planPool } from './pool-plan';
import { conditionOf, invalidStatus, isSameStatus, validStatus } from './pool-status';
import { type PoolWorlds } from './pool-world';

export interface PoolParts {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly worlds: PoolWorlds;
  readonly change: PoolChange;
  readonly certificates: AgentCertificates;
  readonly metrics: PoolMetrics;
}

/** Nothing that the caches have missed stays unnoticed for longer. */
const RESYNC_MS = 600_000;
/** An agent that was busy or silent when it was to go is asked again. */
const RETRY_MS = 2_000;

/** Keeps a pool's agents at the number that its spec and its demand ask for. */
export class PoolReconciler implements Reconciler {
  constructor(private readonly parts: PoolParts) {}

  async reconcile(key: string, signal: AbortSignal): Promise<Result | undefined> {
    const { worlds, metrics, change } = this.parts;
    const pool = worlds.caches.pools.get(key);
    // a deleted pool's Pods go by their owner reference, its Sandboxes are the sandbox-controller's
    if (!pool || pool.metadata.deletionTimestamp !== undefined) {
      const { namespace, name } = splitKey(key);
      worlds.forget(key);
      metrics.forget(namespace, name);
      return undefined;
    }
    const problems = problemsOf(pool);
    if (problems.length > 0) return this.refuse(pool, problems, signal);
    await change.settle(pool, signal);
    const { world, unmet } = worlds.read(pool);
    await this.sweep(unmet.expired, signal);
    const plan = planPool(world);
    const outcome = await change.apply(pool, plan, world.hash, signal);
    const after = worlds.read(pool).world;
    const renewMs = await this.certify(pool, after.pods, signal);
    const status = validStatus(pool, { ...after, desired: plan.desired }, new Date());
    metrics.observe(pool, after, plan.desired, status);
    await this.writeStatus(pool, status, signal);
    if (outcome.error) throw outcome.error;
    const { againInMs = RESYNC_MS } = plan;
    const again = [againInMs, unmet.againInMs ?? RESYNC_MS, worlds.awaitMs(key), renewMs];
    if (outcome.retry) again.push(RETRY_MS);
    return { requeueAfterMs: Math.max(1, Math.min(...again)) };
  }

  /** @returns milliseconds until a certificate is to be renewed */
  private certify(pool: SandboxPool, pods: readonly AgentPodView[], signal: AbortSignal): Promise<number> {
    const { namespace = '' } = pool.metadata;
    const living = pods.filter(({ uid, terminating, finished }) => uid !== '' && !terminating && !finished);
    return this.parts.certificates.ensure(
      living.map(({ name, uid }) => ({ namespace, name, uid })),
      signal,
    );
  }

  private async refuse(pool: SandboxPool, problems: readonly string[], signal: AbortSignal): Promise<Result> {
    const { world, unmet } = this.parts.worlds.read(pool);
    await this.sweep(unmet.expired, signal);
    const renewMs = await this.certify(pool, world.pods, signal);
    const present = world.pods.filter(({ terminating, finished }) => !terminating && !finished).length;
    const status = invalidStatus(pool, { ...world, desired: present }, problems, new Date());
    this.parts.metrics.observe(pool, world, present, status);
    await this.writeStatus(pool, status, signal);
    const againInMs = Math.min(unmet.againInMs ?? RESYNC_MS, renewMs);
    return { requeueAfterMs: Math.max(1, againInMs) };
  }

  /** What gateways left behind that write no more. */
  private async sweep(expired: readonly PoolDemandObject[], signal: AbortSignal): Promise<void> {
    for (const { metadata } of expired) {
      const { namespace = '', name = '', uid = '' } = metadata;
      try {
        await this.parts.client.delete(CONFIG_MAP_KIND, { namespace, name }, { uid }, { signal });
      } catch (error) {
        if (!isApiError(error, 'not_found')) throw error; // gone is what was wanted
      }
    }
  }

  private async writeStatus(pool: SandboxPool, status: SandboxPoolStatus, signal: AbortSignal): Promise<void> {
    if (isSameStatus(pool.status, status)) return;
    this.tell(pool, status);
    const { namespace = '', name = '' } = pool.metadata;
    await this.parts.client.patchStatus(POOL_KIND, { namespace, name }, { status }, { signal });
  }

  /** An Event for each condition that changes, except those that every start has. */
  private tell(pool: SandboxPool, status: SandboxPoolStatus): void {
    for (const { type, status: now, reason, message } of status.conditions ?? []) {
      const before = conditionOf(pool.status, type);
      const says = before?.reason !== reason || (now === 'False' && type === 'Valid' && before.message !== message);
      if (!says || reason === 'AgentsNotReady' || (!before && now === 'True')) continue;
      this.parts.events.record(pool, now === 'True' ? 'Normal' : 'Warning', reason, message);
    }
  }
}
