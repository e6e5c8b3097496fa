import { type Sandbox } from '@fsb/api/sandbox';
import { type Demand, type Share, shareOf } from './pool-demand';

interface Totals {
  active: number;
  pending: number;
  readonly onAgent: Map<string, number>;
  readonly endedOnAgent: Map<string, number>;
}

/** The demand of every pool, kept up with each change of a Sandbox: what it costs does not grow with their number. */
export class DemandIndex {
  private readonly pools = new Map<string, Totals>();

  /** @returns the pools whose demand it changed: keys */
  changed(current: Sandbox | undefined, previous: Sandbox | undefined): string[] {
    const before = previous && shareOf(previous);
    const after = current && shareOf(current);
    if (before && after && isSame(before, after)) return [];
    if (before) this.add(before, -1);
    if (after) this.add(after, 1);
    const keys = [before, after].flatMap((share) => (share ? [share.pool] : []));
    return [...new Set(keys)];
  }

  /** A view that the next change moves. */
  of(pool: string): Demand {
    return this.pools.get(pool) ?? { active: 0, pending: 0, onAgent: new Map(), endedOnAgent: new Map() };
  }

  private add({ pool, wants, agent, holds }: Share, by: 1 | -1): void {
    const fresh = (): Totals => ({ active: 0, pending: 0, onAgent: new Map(), endedOnAgent: new Map() });
    const totals = this.pools.get(pool) ?? fresh();
    this.pools.set(pool, totals);
    if (wants !== undefined) totals[wants] += by;
    if (agent !== '') count(holds ? totals.onAgent : totals.endedOnAgent, agent, by);
    const { active, pending, onAgent, endedOnAgent } = totals;
    if (active + pending + onAgent.size + endedOnAgent.size === 0) this.pools.delete(pool);
  }
}

function count(counts: Map<string, number>, agent: string, by: number): void {
  const now = (counts.get(agent) ?? 0) + by;
  if (now === 0) counts.delete(agent);
  else counts.set(agent, now);
}

function isSame(one: Share, other: Share): boolean {
  return one.pool === other.pool && one.wants === other.wants && one.agent === other.agent && one.holds === other.holds;
}
