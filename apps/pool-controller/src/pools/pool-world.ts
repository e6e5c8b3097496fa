import { type PoolDemandObject } from '@fsb/api/pool-demand';
import { type Sandbox } from '@fsb/api/sandbox';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Informer } from '@fsb/controller-runtime/informer';
import { keyOf, type Pod } from '@fsb/controller-runtime/kinds';
import { OVERDUE_MS } from './agent-creation';
import { templateHash } from './agent-pod';
import { agentPodView, isOwnedBy } from './agent-pod-view';
import { DemandIndex } from './demand-index';
import { type ExpectedPods } from './expected-pods';
import { type PoolWorld } from './pool-agents';
import { PoolBackoff } from './pool-backoff';
import { capacityOf } from './pool-capacity';
import { type UnmetCounts, UnmetCreateIndex } from './unmet-create-index';

export interface PoolCaches {
  readonly pools: Informer<SandboxPool>;
  readonly pods: Informer<Pod>;
  readonly sandboxes: Informer<Sandbox>;
  readonly demands: Informer<PoolDemandObject>;
}

/** Reads all that a pool's plan depends on: the caches, corrected by what this process has just done. */
export class PoolWorlds {
  readonly demand = new DemandIndex();
  readonly unmet = new UnmetCreateIndex();
  private readonly backoff = new PoolBackoff();

  constructor(
    readonly caches: PoolCaches,
    private readonly expected: ExpectedPods,
    private readonly settings: Parameters<typeof templateHash>[1],
  ) {}

  /** Milliseconds until created Pods that the cache lacks are looked up; Infinity if there are none. */
  awaitMs(key: string): number {
    return this.expected.awaits(key) ? OVERDUE_MS : Infinity;
  }

  read(pool: SandboxPool): { world: PoolWorld; unmet: UnmetCounts } {
    const key = keyOf(pool);
    const now = Date.now();
    const cached = this.caches.pods.list(pool.metadata.namespace).filter((pod) => isOwnedBy(pod, pool));
    const pods = this.expected.apply(key, cached).map(agentPodView);
    const unmet = this.unmet.of(pool, now);
    const world = {
      capacity: capacityOf(pool),
      demand: this.demand.of(key),
      unmet: unmet.count,
      unmetPorts: unmet.ports,
      pods,
      hash: templateHash(pool, this.settings),
      now,
      replaceAfterMs: this.backoff.replaceAfterMs(key, pods, now),
    };
    return { world, unmet };
  }

  /** Notes that the cache has shown the Pod, which may be gone again by the next reconcile. */
  podShown(key: string, name: string): void {
    this.expected.forget(key, name);
  }

  forget(key: string): void {
    this.expected.forgetPool(key);
    this.backoff.forget(key);
  }
}
