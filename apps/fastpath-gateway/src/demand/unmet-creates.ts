import { DEMAND_TTL_MS } from '@fsb/api/pool-demand';
import { setLatest } from '@fsb/kit/set-latest';

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
  /** by who was refused; the oldest first */
  readonly known: Map<string, Refused>;
  /** of creates that nothing tells from each other: the ports of each that was refused, by the period in which it was */
  readonly nameless: Map<number, (readonly number[])[]>;
  lastRefusal: number;
}

/** Beyond it the oldest are forgotten: so many agents are not made in half a minute. */
const MAX_KNOWN = 2_000;
/** A refused caller is told to come again after so long: within it nobody is refused twice. */
const PERIOD_MS = 2_000;

/**
 * Creates that no agent had room for, by pool. One that is refused again counts once; one without a name of its own
 * cannot be known again, so of those the most that were refused within one period count.
 */
export class UnmetCreates {
  private readonly pools = new Map<string, OfPool>();

  /** @param who absent: one that cannot be told from others */
  refused(pool: string, who: string | undefined, ports: readonly number[], now: number): void {
    const unmet: OfPool = this.pools.get(pool) ?? { known: new Map(), nameless: new Map(), lastRefusal: 0 };
    this.pools.set(pool, unmet);
    unmet.lastRefusal = now;
    if (who === undefined) {
      const period = Math.floor(now / PERIOD_MS);
      unmet.nameless.set(period, [...(unmet.nameless.get(period) ?? []), ports]);
      return;
    }
    setLatest(unmet.known, who, { at: now, ports }, MAX_KNOWN);
  }

  /** @returns whether it was unmet */
  met(pool: string, who: string): boolean {
    return this.pools.get(pool)?.known.delete(who) ?? false;
  }

  /**
   * One of those without a name was made: it is taken for one that was refused in an earlier period. Those refused now
   * stay: where some are made all the time, they are not the ones that are refused all the time.
   * @returns whether that changed anything
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
      ends.push(at + DEMAND_TTL_MS); // of the oldest
      break;
    }
    const until = Math.min(...ends);
    return { count, ports, lastRefusal: unmet.lastRefusal, until };
  }
}

/** Counted from the end of the period: not shorter than it is for others. */
function endOf(period: number): number {
  return (period + 1) * PERIOD_MS + DEMAND_TTL_MS;
}

function portsOf(wanted: readonly (readonly number[])[]): Map<number, number> {
  const ports = new Map<number, number>();
  for (const port of wanted.flat()) ports.set(port, (ports.get(port) ?? 0) + 1);
  return ports;
}
