import { isApiError } from '@fsb/api/errors';
import { type PoolDemandObject } from '@fsb/api/pool-demand';
import { type SandboxPool, type SandboxPoolStatus } from '@fsb/api/sandbox-pool';
import { type EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { CONFIG_MAP_KIND, POOL_KIND, splitKey } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type Reconciler, type Result } from '@fsb/controller-runtime/reconciler';
import { type AgentCertificates } from '../certificates/agent-certificates';
import { type AgentPodView } from './agent-pod-view';
import { type PoolPlanExecutor } from './pool-plan-executor';
import { problemsOf } from './pool-capacity';
import { type PoolMetrics } from './pool-metrics';
import { planPool } from './pool-plan';
import { conditionOf, invalidStatus, isSameStatus, validStatus } from './pool-status';
import { type PoolWorlds } from './pool-world';

export interface PoolParts {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly worlds: PoolWorlds;
  readonly change: PoolPlanExecutor;
  readonly certificates: AgentCertificates;
  readonly metrics: PoolMetrics;
}

/** Resync interval, in case a cache missed an event. */
const RESYNC_MS = 600_000;
/** Interval for asking an agent again that was busy or silent when it was to be removed. */
const RETRY_MS = 2_000;

/** Reconciles a pool: scale its agents, renew their certificates, write its status. */
export class PoolReconciler implements Reconciler {
  constructor(private readonly parts: PoolParts) {}

  async reconcile(key: string, signal: AbortSignal): Promise<Result | undefined> {
    const { worlds, metrics, change } = this.parts;
    const pool = worlds.caches.pools.get(key);
    // the garbage collector deletes a deleted pool's Pods; the sandbox-controller ends its Sandboxes
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

  /** Ensures the certificates of the live Pods. @returns milliseconds until the next renewal */
  private certify(pool: SandboxPool, pods: readonly AgentPodView[], signal: AbortSignal): Promise<number> {
    const { namespace = '' } = pool.metadata;
    const living = pods.filter(({ uid, terminating, finished }) => uid !== '' && !terminating && !finished);
    return this.parts.certificates.ensure(
      living.map(({ name, uid }) => ({ namespace, name, uid })),
      signal,
    );
  }

  /** Leaves an invalid pool's Pods alone, and writes the problems into its status. */
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

  /** Deletes the ConfigMaps of gateways that have stopped writing. */
  private async sweep(expired: readonly PoolDemandObject[], signal: AbortSignal): Promise<void> {
    for (const { metadata } of expired) {
      const { namespace = '', name = '', uid = '' } = metadata;
      try {
        await this.parts.client.delete(CONFIG_MAP_KIND, { namespace, name }, { uid }, { signal });
      } catch (error) {
        if (!isApiError(error, 'not_found')) throw error; // already gone
      }
    }
  }

  private async writeStatus(pool: SandboxPool, status: SandboxPoolStatus, signal: AbortSignal): Promise<void> {
    if (isSameStatus(pool.status, status)) return;
    this.recordEvents(pool, status);
    const { namespace = '', name = '' } = pool.metadata;
    await this.parts.client.patchStatus(POOL_KIND, { namespace, name }, { status }, { signal });
  }

  /** Records an Event for each condition that changes, except those of every start. */
  private recordEvents(pool: SandboxPool, status: SandboxPoolStatus): void {
    for (const { type, status: now, reason, message } of status.conditions ?? []) {
      const before = conditionOf(pool.status, type);
      const says = before?.reason !== reason || (now === 'False' && type === 'Valid' && before.message !== message);
      if (!says || reason === 'AgentsNotReady' || (!before && now === 'True')) continue;
      this.parts.events.record(pool, now === 'True' ? 'Normal' : 'Warning', reason, message);
    }
  }
}
