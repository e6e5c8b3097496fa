const FIRST_MS = 5_000;
const REWRITE_MS = 200;

/**
 * Prints lines with the time since the start. `waiting` rewrites one line on a terminal; elsewhere it prints a line
 * after 5 s of silence, then after three times as long each time.
 */
export class Progress {
  private readonly started = performance.now();
  private readonly isTerminal = process.stdout.isTTY;
  private saidAt = performance.now();
  private pauseMs = FIRST_MS;

  line(text: string): void {
    if (this.isTerminal) process.stdout.write('\r\u001b[K');
    process.stdout.write(`${this.seconds()} s  ${text}\n`);
    this.saidAt = performance.now();
    this.pauseMs = FIRST_MS;
  }

  waiting(what: string): void {
    if (performance.now() - this.saidAt < (this.isTerminal ? REWRITE_MS : this.pauseMs)) return;
    this.saidAt = performance.now();
    if (this.isTerminal) {
      const room = Math.max(20, process.stdout.columns - 12);
      process.stdout.write(`\r\u001b[K${this.seconds()} s  ${`waiting for ${what}`.slice(0, room)}`);
      return;
    }
    process.stdout.write(`${this.seconds()} s  waiting for ${what}\n`);
    this.pauseMs *= 3;
  }

  private seconds(): string {
    return ((performance.now() - this.started) / 1000).toFixed(1).padStart(5);
  }
}
