import { DEMAND_TTL_MS } from '@fsb/api/pool-demand';
import { setBounded } from '@fsb/kit/set-bounded';

export interface Unmet {
  readonly count: number;
  /** how many of them want each port */
  readonly ports: ReadonlyMap<number, number>;
  /** Unix milliseconds of the last refusal; 0 where there was none */
  readonly lastRefusal: number;
  /** Unix milliseconds when one of them stops counting; absent where there is none */
  readonly until?: number;
}

interface Refused {
  /** Unix milliseconds of the last refusal */
  readonly at: number;
  readonly ports: readonly number[];
}

interface OfPool {
  /** refused creates by their identity, the oldest first */
  readonly known: Map<string, Refused>;
  /** ports of each refused create without an identity, by the period of its refusal */
  readonly nameless: Map<number, (readonly number[])[]>;
  lastRefusal: number;
}

/**
 * Identified creates counted in a pool. Beyond this the oldest are dropped: no pool grows by as many agents in half a
 * minute.
 */
const MAX_KNOWN = 2_000;
/** Retry delay of a refusal, in milliseconds: within one such period no caller is refused twice. */
const PERIOD_MS = 2_000;

/**
 * Creates that no agent had room for, by pool. A create that is refused again counts once. One without a name or
 * request id cannot be recognized, so of those only the largest number refused within one period counts.
 */
export class UnmetCreates {
  private readonly pools = new Map<string, OfPool>();

  /**
   * Counts a refused create.
   * @param pool namespace/name
   * @param who identity of the create; absent: nameless
   * @param now Unix milliseconds
   */
  refused(pool: string, who: string | undefined, ports: readonly number[], now: number): void {
    const unmet: OfPool = this.pools.get(pool) ?? { known: new Map(), nameless: new Map(), lastRefusal: 0 };
    this.pools.set(pool, unmet);
    unmet.lastRefusal = now;
    if (who === undefined) {
      const period = Math.floor(now / PERIOD_MS);
      unmet.nameless.set(period, [...(unmet.nameless.get(period) ?? []), ports]);
      return;
    }
    setBounded(unmet.known, who, { at: now, ports }, MAX_KNOWN);
  }

  /** Stops counting an identified create. @returns whether it was counted */
  met(pool: string, who: string): boolean {
    return this.pools.get(pool)?.known.delete(who) ?? false;
  }

  /**
   * A nameless create succeeded: drops one from each earlier period, for it may be a repetition of those. The current
   * period stays: when some creates succeed all the time, others are those refused all the time.
   * @returns whether a count changed
   */
  metNameless(pool: string, now: number): boolean {
    const nameless = this.pools.get(pool)?.nameless ?? new Map<number, (readonly number[])[]>();
    let changed = false;
    for (const [period, refused] of nameless) {
      if (period >= Math.floor(now / PERIOD_MS)) continue;
      changed = true;
      if (refused.length > 1) nameless.set(period, refused.slice(1));
      else nameless.delete(period);
    }
    return changed;
  }

  /** Unmet creates of a pool, after dropping those whose time is over. @param now Unix milliseconds */
  of(pool: string, now: number): Unmet {
    const unmet = this.pools.get(pool);
    if (!unmet) return { count: 0, ports: new Map(), lastRefusal: 0 };
    for (const [who, { at }] of unmet.known) {
      if (at + DEMAND_TTL_MS > now) break;
      unmet.known.delete(who);
    }
    for (const period of unmet.nameless.keys()) if (endOf(period) <= now) unmet.nameless.delete(period);
    const most = [...unmet.nameless.values()].reduce((one, other) => (other.length > one.length ? other : one), []);
    const ports = portsOf([...[...unmet.known.values()].map((refused) => refused.ports), ...most]);
    const count = unmet.known.size + most.length;
    if (count === 0) {
      this.pools.delete(pool);
      return { count, ports, lastRefusal: unmet.lastRefusal };
    }
    const ends = [...unmet.nameless.keys()].map(endOf);
    for (const { at } of unmet.known.values()) {
      ends.push(at + DEMAND_TTL_MS); // the oldest ends first
      break;
    }
    const until = Math.min(...ends);
    return { count, ports, lastRefusal: unmet.lastRefusal, until };
  }
}

/**
 * Unix milliseconds at which the nameless creates of a period stop counting: at least DEMAND_TTL_MS after each refusal.
 */
function endOf(period: number): number {
  return (period + 1) * PERIOD_MS + DEMAND_TTL_MS;
}

function portsOf(wanted: readonly (readonly number[])[]): Map<number, number> {
  const ports = new Map<number, number>();
  for (const port of wanted.flat()) ports.set(port, (ports.get(port) ?? 0) + 1);
  return ports;
}
