import { type Sandbox } from '@fsb/api/sandbox';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { Controller } from '@fsb/controller-runtime/controller';
import { type Informer } from '@fsb/controller-runtime/informer';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type ControllerMetrics } from '@fsb/controller-runtime/metrics';
import { type AgentDirectory } from '@fsb/placement/agent-directory';
import { CapacityDemand } from './capacity-demand';
import { DemandWriter } from './demand-writer';
import { PoolGrowth } from './pool-growth';
import { UnmetCreates } from './unmet-creates';

export interface DemandSources {
  readonly pools: Informer<SandboxPool>;
  readonly sandboxes: Informer<Sandbox>;
  readonly directory: AgentDirectory;
}

const CONCURRENCY = 4;
const RETRY = { baseDelayMs: 1_000, maxDelayMs: 5_000 };

/** Demand of creates that were refused for want of room, and the controller that publishes it. */
export class Demand {
  readonly capacity: CapacityDemand;
  readonly controller: Controller;
  readonly growth: PoolGrowth;

  constructor({ pools, sandboxes, directory }: DemandSources, client: KubeClient, metrics: ControllerMetrics) {
    const unmet = new UnmetCreates();
    const writer = new DemandWriter({ client, unmet, pool: (key) => pools.get(key) });
    const controller = new Controller(writer, { name: 'pool-demand', concurrency: CONCURRENCY, metrics, queue: RETRY });
    const wake = (key: string): void => {
      controller.queue.add(key);
    };
    this.controller = controller;
    this.growth = new PoolGrowth(pools, directory);
    this.capacity = new CapacityDemand({ unmet, growth: this.growth, sandboxes, wake });
  }
}
