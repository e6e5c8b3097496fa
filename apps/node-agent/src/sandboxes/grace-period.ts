/** Seconds between the stop signal and SIGKILL where neither the sandbox nor its delete names any. */
export const DEFAULT_GRACE_SECONDS = 10;
/** The longest period that can be asked for: an hour. */
export const MAX_GRACE_SECONDS = 3_600;

/** The time for a process to end by itself. The first delete that asks for one sets it; later ones only shorten it. */
export class GracePeriod {
  private readonly over = new AbortController();
  private deadline = Infinity;
  private isRequested = false;
  private timer: NodeJS.Timeout | undefined;

  /** When the period is over, in milliseconds since the epoch; Infinity before it has begun. */
  get until(): number {
    return this.deadline;
  }

  /** Aborts when the period is over. */
  get signal(): AbortSignal {
    return this.over.signal;
  }

  /** @param seconds the sandbox's own, used where no delete has asked for a period */
  begin(seconds: number): void {
    if (this.deadline === Infinity) this.set(seconds);
  }

  /** @param seconds from now, at most {@link MAX_GRACE_SECONDS}; 0 ends the period at once */
  request(seconds: number): void {
    if (this.isRequested && Date.now() + seconds * 1000 >= this.deadline) return;
    this.isRequested = true;
    this.set(seconds);
  }

  /** Stops the timer, once nothing waits for the end of the period. */
  clear(): void {
    clearTimeout(this.timer);
  }

  private set(seconds: number): void {
    clearTimeout(this.timer);
    this.deadline = Date.now() + seconds * 1000;
    const end = (): void => {
      this.over.abort();
    };
    if (seconds === 0) end();
    else this.timer = setTimeout(end, seconds * 1000).unref();
  }
}
