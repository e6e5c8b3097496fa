import { RandomSet } from './random-set';

/** Agents by their free slots, the emptiest first; a full one is not in it. */
export class Ranking {
  private readonly ranks: RandomSet<string>[] = [];
  private count = 0;

  get size(): number {
    return this.count;
  }

  add(id: string, free: number): void {
    while (this.ranks.length <= free) this.ranks.push(new RandomSet());
    this.ranks[free]?.add(id);
    this.count++;
  }

  delete(id: string, free: number): void {
    this.ranks[free]?.delete(id);
    this.count--;
  }

  /** The first that fits, ties at random. @param probes how many are looked at */
  first(fits: (id: string) => boolean, probes: number, random: () => number): string | undefined {
    let left = probes;
    for (let free = this.ranks.length - 1; free > 0; free--) {
      for (const id of this.ranks[free]?.from(random) ?? []) {
        if (fits(id)) return id;
        if (--left <= 0) return undefined;
      }
    }
    return undefined;
  }

  *ids(): Generator<string> {
    for (const rank of this.ranks) yield* rank.from(() => 0);
  }
}
