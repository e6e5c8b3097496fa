import { backOffMs } from '@fsb/kit/back-off';
import { type AgentPodView } from './agent-pod-view';

interface Failing {
  /** rounds of Pods that failed soon after they were made, one after the other */
  rounds: number;
  /** Unix milliseconds when the last Pod of the last such round was made, by the API server's clock */
  until: number;
}

const PAUSES = { firstMs: 5_000, lastMs: 300_000 };
/** One that ran for so long is no failed start. */
const SOON_MS = 60_000;

/** How long a pool waits before it replaces a Pod that failed: twice as long after each round that failed at once. */
export class PoolBackoff {
  private readonly pools = new Map<string, Failing>();

  /** Looks at the pool's Pods. @returns a failed Pod is replaced when it is so old */
  replaceAfterMs(pool: string, pods: readonly AgentPodView[], now: number): number {
    const failing = this.pools.get(pool);
    const { until: since = 0, rounds = 0 } = failing ?? {};
    const later = pods.filter(({ createdAt, terminating }) => createdAt > since && !terminating);
    const isOver = later.some(({ ready, finished, createdAt }) => {
      return ready && !finished && now - createdAt > delayAfter(rounds);
    });
    if (failing && isOver) this.pools.delete(pool);
    else if (later.some(({ finished, createdAt }) => finished && now - createdAt < SOON_MS)) {
      const until = Math.max(...later.map(({ createdAt }) => createdAt));
      this.pools.set(pool, { rounds: rounds + 1, until });
    }
    return delayAfter(this.pools.get(pool)?.rounds ?? 0);
  }

  forget(pool: string): void {
    this.pools.delete(pool);
  }
}

function delayAfter(rounds: number): number {
  return backOffMs(Math.max(0, rounds - 1), PAUSES);
}
