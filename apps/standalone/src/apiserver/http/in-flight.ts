import { StatusError } from '../status-error';

const RETRY_SECONDS = 1;

/** Bounded number of concurrent requests or watches. A user gets a seat while more are free than the user holds. */
export class InFlight {
  private readonly byUser = new Map<string, number>();
  private total = 0;

  /**
   * @param what plural noun for the refusal
   * @param most seats of all users together
   */
  constructor(
    private readonly what: string,
    private readonly most: number,
  ) {}

  /**
   * Takes a seat.
   * @returns gives the seat back; idempotent
   * @throws StatusError 429
   */
  enter(user: string): () => void {
    const own = this.byUser.get(user) ?? 0;
    if (own >= this.most - this.total) {
      const message = `Too many ${this.what}, please try again later: user "${user}" has ${own}, all users may have ${this.most}`;
      throw new StatusError(429, 'TooManyRequests', message, { retryAfterSeconds: RETRY_SECONDS });
    }
    this.total += 1;
    this.byUser.set(user, own + 1);
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      this.leave(user);
    };
  }

  private leave(user: string): void {
    this.total -= 1;
    const left = (this.byUser.get(user) ?? 0) - 1;
    if (left > 0) this.byUser.set(user, left);
    else this.byUser.delete(user);
  }
}
