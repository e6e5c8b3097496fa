import { createHash } from 'node:crypto';

/**
 * Pseudorandom numbers from a seed. Each part of a run has its own stream, so that no part shifts the numbers of
 * another.
 */
export class SeededRandom {
  private state: number;

  constructor(private readonly seed: string) {
    this.state = createHash('sha256').update(seed).digest().readUInt32LE(0);
  }

  stream(name: string): SeededRandom {
    return new SeededRandom(`${this.seed}/${name}`);
  }

  /** A number in [0, 1), by mulberry32. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** @throws RangeError when `from` is empty */
  pick<T>(from: readonly T[]): T {
    const [first] = from;
    if (first === undefined) throw new RangeError('nothing to choose from');
    return from[Math.floor(this.next() * from.length)] ?? first;
  }

  /** A key, chosen with a probability proportional to its weight. */
  choose<K extends string>(weights: Readonly<Record<K, number>>): K {
    const names = Object.keys(weights) as K[]; // the keys of a record of K
    let left = this.next() * names.reduce((sum, name) => sum + weights[name], 0);
    return names.find((name) => (left -= weights[name]) < 0) ?? this.pick(names);
  }

  shuffled<T>(from: readonly T[]): T[] {
    return from
      .map((value) => ({ value, order: this.next() }))
      .sort((a, b) => a.order - b.order)
      .map(({ value }) => value);
  }
}
