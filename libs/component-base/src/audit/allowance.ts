/** So many a second, and no more at once than in a second. */
export class Allowance {
  private left: number;
  private filledAt = performance.now();

  constructor(private readonly aSecond: number) {
    this.left = aSecond;
  }

  /** @returns whether there was one left */
  take(): boolean {
    const now = performance.now();
    this.left = Math.min(this.aSecond, this.left + ((now - this.filledAt) / 1000) * this.aSecond);
    this.filledAt = now;
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}
