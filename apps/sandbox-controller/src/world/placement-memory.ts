import { backOffMs } from '@fsb/kit/back-off';

interface Memory {
  readonly excluded: Set<string>;
  failures: number;
  notBefore: number;
}

const PAUSES = { firstMs: 500, lastMs: 30_000 };

/** How looking for a place has gone so far. Not kept anywhere: losing it only means an earlier look. */
export class PlacementMemory {
  private readonly objects = new Map<string, Memory>();
  /** by pool, those that wait for a slot, longest first */
  private readonly waiting = new Map<string, Set<string>>();

  excluded(key: string): ReadonlySet<string> {
    return this.objects.get(key)?.excluded ?? new Set();
  }

  notBefore(key: string): number {
    return this.objects.get(key)?.notBefore ?? 0;
  }

  exclude(key: string, agentId: string): void {
    this.of(key).excluded.add(agentId);
  }

  /** @param pool whose next free slot ends the pause */
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

  /** Ends the pauses of the first that wait for a slot of this pool. */
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
