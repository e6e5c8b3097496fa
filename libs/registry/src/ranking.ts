import { RandomSet } from './random-set';

/** A ranked agent. The object is kept, not its id: memory access bounds the speed of a choice among very many. */
interface Ranked {
  readonly free: number;
}

/** Agents by their free slots, the emptiest first. A full agent must not be added. */
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

  /** The first agent that fits, ties at random. @param probes most agents that are examined */
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
