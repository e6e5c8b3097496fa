import { backOffMs } from '@fsb/kit/back-off';
import { type AgentPodView } from './agent-pod-view';

interface Failing {
  /** consecutive rounds of Pods that failed soon after their creation */
  rounds: number;
  /** creation of the last Pod of the last such round, in Unix milliseconds of the API server's clock */
  until: number;
}

const PAUSES = { firstMs: 5_000, lastMs: 300_000 };
/** A Pod that ran for longer did not fail at its start. */
const SOON_MS = 60_000;

/** Back-off before failed Pods of a pool are replaced: 5 s, doubled by each round that fails at once, up to 300 s. */
export class PoolBackoff {
  private readonly pools = new Map<string, Failing>();

  /** Takes the pool's present Pods into account. @returns age in milliseconds at which a failed Pod is replaced */
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
