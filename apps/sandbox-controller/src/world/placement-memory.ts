interface Memory {
  readonly excluded: Set<string>;
  failures: number;
  notBefore: number;
  recreations: number;
}

const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 30_000;

/** How placing an object has gone so far. Not kept anywhere: losing it only means an earlier try. */
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

  recreations(key: string): number {
    return this.objects.get(key)?.recreations ?? 0;
  }

  exclude(key: string, agentId: string): void {
    this.of(key).excluded.add(agentId);
  }

  /** @param pool whose next free slot ends the pause */
  backOff(key: string, now: number, pool?: string): void {
    const memory = this.of(key);
    memory.excluded.clear();
    memory.notBefore = now + Math.min(FIRST_PAUSE_MS * 2 ** Math.min(memory.failures++, 10), LAST_PAUSE_MS);
    if (pool === undefined) return;
    const keys = this.waiting.get(pool) ?? new Set<string>();
    this.waiting.set(pool, keys);
    keys.delete(key);
    keys.add(key);
  }

  countRecreation(key: string): void {
    this.of(key).recreations++;
  }

  forgetPlacement(key: string): void {
    const { recreations } = this.of(key);
    this.objects.delete(key);
    if (recreations > 0) this.of(key).recreations = recreations;
  }

  forgetRecreations(key: string): void {
    const memory = this.objects.get(key);
    if (memory) memory.recreations = 0;
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
    const memory = this.objects.get(key) ?? { excluded: new Set(), failures: 0, notBefore: 0, recreations: 0 };
    this.objects.set(key, memory);
    return memory;
  }
}
