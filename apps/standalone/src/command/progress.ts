const SAY_AGAIN_MS = 5_000;

/** Lines with the time since the start: what has happened, and now and then what is being waited for. */
export class Progress {
  private readonly started = performance.now();
  private lastSaid = performance.now();

  line(text: string): void {
    const seconds = ((performance.now() - this.started) / 1000).toFixed(1).padStart(5);
    process.stdout.write(`${seconds} s  ${text}\n`);
    this.lastSaid = performance.now();
  }

  waiting(what: string): void {
    if (performance.now() - this.lastSaid > SAY_AGAIN_MS) this.line(`waiting for ${what}`);
  }
}
