import { DEMAND_TTL_MS, type PoolDemandObject, readPoolDemand } from '@fsb/api/pool-demand';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { keyOf } from '@fsb/controller-runtime/kinds';

export interface Unmet {
  /** creates that gateways had no agent for */
  readonly count: number;
  /** how many of them want each port */
  readonly ports: ReadonlyMap<number, number>;
  /** of gateways that write no more: to be removed */
  readonly expired: readonly PoolDemandObject[];
  /** when the next of them runs out */
  readonly againInMs?: number;
}

interface Note {
  readonly object: PoolDemandObject;
  /** Unix milliseconds of this machine when it was last seen to change: the gateway's clock may be another */
  readonly seenAt: number;
}

/** What the gateways say of creates that left no object, by pool. */
export class UnmetDemand {
  private readonly pools = new Map<string, Map<string, Note>>();

  /** @returns the pools that it concerns: keys */
  changed(current: PoolDemandObject | undefined, previous: PoolDemandObject | undefined, now: number): string[] {
    const keys = [poolOf(previous), poolOf(current)].filter((key) => key !== undefined);
    const [before, after] = [poolOf(previous), poolOf(current)];
    if (previous && before !== undefined) this.forget(before, keyOf(previous));
    if (current && after !== undefined) {
      const notes = this.pools.get(after) ?? new Map<string, Note>();
      this.pools.set(after, notes.set(keyOf(current), { object: current, seenAt: now }));
    }
    return [...new Set(keys)];
  }

  of(pool: SandboxPool, now: number): Unmet {
    const expired: PoolDemandObject[] = [];
    const ports = new Map<number, number>();
    let count = 0;
    let againInMs = Infinity;
    for (const { object, seenAt } of this.pools.get(keyOf(pool))?.values() ?? []) {
      const demand = readPoolDemand(object);
      if (demand === undefined || demand.poolUid !== pool.metadata.uid) continue; // goes with its owner
      const left = seenAt + DEMAND_TTL_MS - now;
      if (left <= 0) {
        expired.push(object);
        continue;
      }
      count += demand.unmet;
      for (const [port, creates] of demand.ports) ports.set(port, (ports.get(port) ?? 0) + creates);
      againInMs = Math.min(againInMs, left);
    }
    return { count, ports, expired, ...(againInMs === Infinity ? {} : { againInMs }) };
  }

  private forget(pool: string, name: string): void {
    const notes = this.pools.get(pool);
    notes?.delete(name);
    if (notes?.size === 0) this.pools.delete(pool);
  }
}

function poolOf(object: PoolDemandObject | undefined): string | undefined {
  const demand = object && readPoolDemand(object);
  return demand && `${demand.namespace}/${demand.pool}`;
}
