import { type Sandbox } from '@fsb/api/sandbox';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { Controller } from '@fsb/controller-runtime/controller';
import { type Informer } from '@fsb/controller-runtime/informer';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type ControllerMetrics } from '@fsb/controller-runtime/metrics';
import { type AgentDirectory } from '@fsb/placement/agent-directory';
import { ShortageTracker } from './shortage-tracker';
import { ShortageWriter } from './shortage-writer';
import { PoolGrowth } from './pool-growth';
import { UnmetCreates } from './unmet-creates';

export interface ShortageSources {
  readonly pools: Informer<SandboxPool>;
  readonly sandboxes: Informer<Sandbox>;
  readonly directory: AgentDirectory;
}

const CONCURRENCY = 4;
const RETRY = { baseDelayMs: 1_000, maxDelayMs: 5_000 };

/** Demand of creates that were refused for want of room, and the controller that publishes it. */
export class PoolShortage {
  readonly capacity: ShortageTracker;
  readonly controller: Controller;
  readonly growth: PoolGrowth;

  constructor({ pools, sandboxes, directory }: ShortageSources, client: KubeClient, metrics: ControllerMetrics) {
    const unmet = new UnmetCreates();
    const writer = new ShortageWriter({ client, unmet, pool: (key) => pools.get(key) });
    const controller = new Controller(writer, { name: 'pool-demand', concurrency: CONCURRENCY, metrics, queue: RETRY });
    const wake = (key: string): void => {
      controller.queue.add(key);
    };
    this.controller = controller;
    this.growth = new PoolGrowth(pools, directory);
    this.capacity = new ShortageTracker({ unmet, growth: this.growth, sandboxes, wake });
  }
}
