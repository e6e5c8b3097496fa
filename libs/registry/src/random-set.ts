/** A set with draws of a random member in constant time. */
export class RandomSet<T> {
  private readonly items: T[] = [];
  private readonly positions = new Map<T, number>();

  get size(): number {
    return this.items.length;
  }

  add(item: T): void {
    if (this.positions.has(item)) return;
    this.positions.set(item, this.items.length);
    this.items.push(item);
  }

  delete(item: T): void {
    const position = this.positions.get(item);
    if (position === undefined) return;
    const last = this.items.pop();
    this.positions.delete(item);
    if (last === undefined || last === item) return;
    this.items[position] = last;
    this.positions.set(last, position);
  }

  /** Each member once, starting at a random one. @param random gives a number from 0 to below 1 */
  *from(random: () => number): Generator<T> {
    const start = Math.floor(random() * this.items.length);
    for (let step = 0; step < this.items.length; step++) {
      const item = this.items[(start + step) % this.items.length];
      if (item !== undefined) yield item;
    }
  }
}
