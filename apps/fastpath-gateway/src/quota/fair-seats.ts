import { LimitError } from '@fsb/quota/limits';

interface Waiter {
  readonly takeSeat: () => void;
}

interface Line {
  /** seats taken */
  taken: number;
  readonly waiting: Set<Waiter>;
}

export interface SeatLimits {
  /** concurrent creates of all namespaces */
  readonly seats: number;
  readonly waitingPerNamespace: number;
  readonly waiting: number;
}

/** Retry delay of a refused create. A cold create takes about a tenth of it, so the line has moved by then. */
const RETRY_MS = 500;

/**
 * Shares the seats of creates in flight among namespaces. A namespace may hold as many seats as are still free: one
 * alone gets half of them, two get a third each, and a new one always finds a seat (dynamic thresholds, Choudhury and
 * Hahne 1998). Further creates wait in a line for each namespace; the lines are served round robin.
 */
export class FairSeats {
  private readonly lines = new Map<string, Line>();
  private taken = 0;
  private waiting = 0;

  constructor(private readonly limits: SeatLimits) {}

  /**
   * Runs `work` while holding a seat of `namespace`, after waiting for one if need be.
   * @param signal ends the wait; `work` must watch it by itself
   * @param deadline end of the wait, Unix milliseconds
   * @throws LimitError inFlight, when the line is full, or when the wait ends without a seat
   * @throws whatever `work` throws
   * @example await seats.during(namespace, signal, deadline, () => placer.place(request, signal, deadline));
   */
  async during<T>(namespace: string, signal: AbortSignal, deadline: number, work: () => Promise<T>): Promise<T> {
    const line = this.lines.get(namespace) ?? { taken: 0, waiting: new Set() };
    this.lines.set(namespace, line);
    if (line.waiting.size === 0 && this.isFree(line)) this.take(line);
    else await this.wait(namespace, line, signal, deadline);
    try {
      return await work();
    } finally {
      this.taken -= 1;
      line.taken -= 1;
      this.serve();
      this.forget(namespace, line);
    }
  }

  private isFree({ taken }: Line): boolean {
    return taken < this.limits.seats - this.taken;
  }

  private take(line: Line): void {
    this.taken += 1;
    line.taken += 1;
  }

  private wait(namespace: string, line: Line, signal: AbortSignal, deadline: number): Promise<void> {
    const { waitingPerNamespace, waiting, seats } = this.limits;
    const isFull = line.waiting.size >= waitingPerNamespace || this.waiting >= waiting;
    if (isFull) {
      const message = `${line.taken} creates of namespace "${namespace}" are under way and ${line.waiting.size} wait, of at most ${seats} and ${waitingPerNamespace}; try again`;
      return Promise.reject(new LimitError('inFlight', message, RETRY_MS));
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        line.waiting.delete(waiter);
        this.waiting -= 1;
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
      };
      const giveUp = (): void => {
        leave();
        this.forget(namespace, line);
        const message = `${line.taken} creates of namespace "${namespace}" are under way; this one was not begun`;
        reject(new LimitError('inFlight', message, RETRY_MS));
      };
      const waiter = {
        takeSeat: (): void => {
          leave();
          this.take(line);
          resolve();
        },
      };
      const timer = setTimeout(giveUp, Math.max(0, deadline - Date.now()));
      signal.addEventListener('abort', giveUp, { once: true });
      line.waiting.add(waiter);
      this.waiting += 1;
      if (signal.aborted) giveUp();
    });
  }

  /** Round robin: a line that was served moves behind the others, where this loop reaches it again. */
  private serve(): void {
    for (const [namespace, line] of this.lines) {
      if (this.waiting === 0) return;
      const [next] = line.waiting;
      if (!next || !this.isFree(line)) continue;
      this.lines.delete(namespace);
      this.lines.set(namespace, line);
      next.takeSeat();
    }
  }

  private forget(namespace: string, line: Line): void {
    if (line.taken === 0 && line.waiting.size === 0) this.lines.delete(namespace);
  }
}
