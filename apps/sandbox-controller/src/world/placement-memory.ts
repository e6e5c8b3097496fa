import { backOffMs } from '@fsb/kit/back-off';

interface Memory {
  readonly excluded: Set<string>;
  failures: number;
  notBefore: number;
}

const PAUSES = { firstMs: 500, lastMs: 30_000 };

/** Placement tries of each object: back-off and excluded agents. In memory only: its loss just means an earlier try. */
export class PlacementMemory {
  private readonly objects = new Map<string, Memory>();
  /** keys that wait for a slot, by pool, longest wait first */
  private readonly waiting = new Map<string, Set<string>>();

  excluded(key: string): ReadonlySet<string> {
    return this.objects.get(key)?.excluded ?? new Set();
  }

  /** Unix ms of the next try; 0: at once */
  notBefore(key: string): number {
    return this.objects.get(key)?.notBefore ?? 0;
  }

  exclude(key: string, agentId: string): void {
    this.of(key).excluded.add(agentId);
  }

  /**
   * Pauses the object for 500 ms, doubled each time, at most 30 s, and clears its excluded agents.
   * @param pool a free slot of this pool ends the pause early
   */
  backOff(key: string, now: number, pool?: string): void {
    const memory = this.of(key);
    memory.excluded.clear();
    memory.notBefore = now + backOffMs(memory.failures++, PAUSES);
    if (pool === undefined) return;
    const keys = this.waiting.get(pool) ?? new Set<string>();
    this.waiting.set(pool, keys);
    keys.delete(key);
    keys.add(key);
  }

  drop(key: string): void {
    this.objects.delete(key);
  }

  /** Ends the pauses of the longest waiters for a slot of this pool. @returns their keys, at most `limit` */
  wake(pool: string, limit: number): string[] {
    const woken = [...(this.waiting.get(pool) ?? [])].slice(0, limit);
    for (const key of woken) {
      this.waiting.get(pool)?.delete(key);
      const memory = this.objects.get(key);
      if (memory) memory.notBefore = 0;
    }
    if (this.waiting.get(pool)?.size === 0) this.waiting.delete(pool);
    return woken;
  }

  private of(key: string): Memory {
    const memory = this.objects.get(key) ?? { excluded: new Set(), failures: 0, notBefore: 0 };
    this.objects.set(key, memory);
    return memory;
  }
}
