import { DEMAND_TTL_MS, type PoolDemandObject, readPoolDemand } from '@fsb/api/pool-demand';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { keyOf } from '@fsb/controller-runtime/kinds';

export interface UnmetCounts {
  /** unmet creates of all gateways */
  readonly count: number;
  /** number of unmet creates by port */
  readonly ports: ReadonlyMap<number, number>;
  /** ConfigMaps of gateways that have stopped writing; to be deleted */
  readonly expired: readonly PoolDemandObject[];
  /** milliseconds until the next of them expires */
  readonly againInMs?: number;
}

interface Note {
  readonly object: PoolDemandObject;
  /** last observed change, in Unix milliseconds of this machine: the gateway's clock may differ */
  readonly seenAt: number;
}

/** Unmet creates by pool, from the ConfigMaps that gateways write. */
export class UnmetCreateIndex {
  private readonly pools = new Map<string, Map<string, Note>>();

  /** Applies a change of a ConfigMap. @returns keys of the pools that it concerns */
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

  /** Unmet creates of a pool. Ignores ConfigMaps of an earlier pool of the same name, by uid. */
  of(pool: SandboxPool, now: number): UnmetCounts {
    const expired: PoolDemandObject[] = [];
    const ports = new Map<number, number>();
    let count = 0;
    let againInMs = Infinity;
    for (const { object, seenAt } of this.pools.get(keyOf(pool))?.values() ?? []) {
      const demand = readPoolDemand(object);
      if (demand === undefined || demand.poolUid !== pool.metadata.uid) continue; // garbage collected with its pool
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
