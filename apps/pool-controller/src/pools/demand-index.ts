import { type Sandbox } from '@fsb/api/sandbox';
import { type PoolLoad, type Share, shareOf } from './pool-load';

interface Totals {
  active: number;
  pending: number;
  readonly onAgent: Map<string, number>;
  readonly endedOnAgent: Map<string, number>;
  readonly pendingPorts: Map<number, number>;
  readonly portUsers: Map<number, Map<string, number>>;
}

/** The demand of every pool, updated by each change of a Sandbox, so that its cost is independent of their number. */
export class DemandIndex {
  private readonly pools = new Map<string, Totals>();

  /** Applies a change of a Sandbox. @returns keys of the pools whose demand changed */
  changed(current: Sandbox | undefined, previous: Sandbox | undefined): string[] {
    const before = previous && shareOf(previous);
    const after = current && shareOf(current);
    if (before && after && isSame(before, after)) return [];
    if (before) this.add(before, -1);
    if (after) this.add(after, 1);
    const keys = [before, after].flatMap((share) => (share ? [share.pool] : []));
    return [...new Set(keys)];
  }

  /** Demand of a pool, as a live view: the next change modifies it. */
  of(pool: string): PoolLoad {
    return this.pools.get(pool) ?? nothing();
  }

  private add(share: Share, by: 1 | -1): void {
    const { pool, wants, agent, holds } = share;
    const totals = this.pools.get(pool) ?? nothing();
    this.pools.set(pool, totals);
    if (wants !== undefined) totals[wants] += by;
    if (agent !== '') count(holds ? totals.onAgent : totals.endedOnAgent, agent, by);
    addPorts(totals, share, by);
    const { active, pending, onAgent, endedOnAgent } = totals;
    if (active + pending + onAgent.size + endedOnAgent.size === 0) this.pools.delete(pool);
  }
}

function nothing(): Totals {
  const counts = { active: 0, pending: 0, onAgent: new Map<string, number>(), endedOnAgent: new Map<string, number>() };
  return { ...counts, pendingPorts: new Map(), portUsers: new Map() };
}

function addPorts({ pendingPorts, portUsers }: Totals, { wants, agent, holds, ports }: Share, by: 1 | -1): void {
  for (const port of ports) {
    if (wants === 'pending') count(pendingPorts, port, by);
    if (agent === '' || !holds) continue;
    const users = portUsers.get(port) ?? new Map<string, number>();
    count(users, agent, by);
    if (users.size > 0) portUsers.set(port, users);
    else portUsers.delete(port);
  }
}

function count<K>(counts: Map<K, number>, key: K, by: number): void {
  const now = (counts.get(key) ?? 0) + by;
  if (now === 0) counts.delete(key);
  else counts.set(key, now);
}

function isSame(one: Share, other: Share): boolean {
  const isPlacedAlike = one.wants === other.wants && one.agent === other.agent && one.holds === other.holds;
  return one.pool === other.pool && isPlacedAlike && String(one.ports) === String(other.ports);
}
