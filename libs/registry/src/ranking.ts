import { RandomSet } from './random-set';

/** What is ranked: kept itself, not its name, since a choice among very many is as fast as the memory that it touches. */
interface Ranked {
  readonly free: number;
}

/** Agents by their free slots, the emptiest first; a full one is not in it. */
export class Ranking<T extends Ranked> {
  private readonly ranks: RandomSet<T>[] = [];
  private count = 0;

  get size(): number {
    return this.count;
  }

  add(agent: T): void {
    while (this.ranks.length <= agent.free) this.ranks.push(new RandomSet());
    this.ranks[agent.free]?.add(agent);
    this.count++;
  }

  delete(agent: T): void {
    this.ranks[agent.free]?.delete(agent);
    this.count--;
  }

  /** The first that fits, ties at random. @param probes how many are looked at */
  first(fits: (agent: T) => boolean, probes: number, random: () => number): T | undefined {
    let left = probes;
    for (let free = this.ranks.length - 1; free > 0; free--) {
      for (const agent of this.ranks[free]?.from(random) ?? []) {
        if (fits(agent)) return agent;
        if (--left <= 0) return undefined;
      }
    }
    return undefined;
  }
}
