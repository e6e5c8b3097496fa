import { ApiError, isApiError, messageOf } from '@fsb/api/errors';

export interface ReviewCacheOptions<V> {
  /** how long an answer holds, in milliseconds; asked anew in the background from half of it on, while it is used */
  readonly freshMs: (answer: V) => number;
  /** the answer that was not used for longest goes */
  readonly maxEntries: number;
}

interface Entry<V> {
  readonly answer: V;
  readonly askedAt: number;
}

/** How much longer an answer holds while the API server cannot be asked: FAST creates go on without it. */
export const STALE_MS = 600_000;
/** Reviews under way at once; more are refused: a flood of unknown tokens must not become one on the API server. */
const MAX_UNDER_WAY = 64;

/** Answers of the API server about who somebody is and what they may do: given at once where they are known. */
export class ReviewCache<V> {
  private readonly entries = new Map<string, Entry<V>>();
  private readonly underWay = new Map<string, Promise<V>>();
  /** the last question had no answer: nobody waits for the next one who can do with the old */
  private isAway = false;

  constructor(
    private readonly options: ReviewCacheOptions<V>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * @returns the answer, or a promise of it
   * @throws ApiError unavailable where too many are being asked for; what `ask` throws, where no answer is known
   */
  get(key: string, ask: () => Promise<V>): V | Promise<V> {
    const entry = this.entries.get(key);
    if (!entry) return this.ask(key, ask);
    const age = this.now() - entry.askedAt;
    const fresh = this.options.freshMs(entry.answer);
    if (age >= fresh) {
      const { isAway } = this;
      const asked = this.ask(key, ask);
      if (age >= fresh + STALE_MS) return asked;
      const orOld = asked.catch((error: unknown) => orStale(error, entry.answer));
      return isAway ? entry.answer : orOld;
    }
    this.entries.delete(key);
    this.entries.set(key, entry); // the last of the map is the one used last
    if (age >= fresh / 2) void this.ask(key, ask).catch(() => undefined); // asked again by whoever comes after
    return entry.answer;
  }

  private ask(key: string, ask: () => Promise<V>): Promise<V> {
    const running = this.underWay.get(key);
    if (running) return running;
    if (this.underWay.size >= MAX_UNDER_WAY) {
      const message = 'too many callers are being looked up at once; try again';
      return Promise.reject(new ApiError('unavailable', message, { retryDelayMs: 1_000 }));
    }
    const asked = ask()
      .then((answer) => {
        this.isAway = false;
        this.keep(key, answer);
        return answer;
      })
      .catch((error: unknown) => {
        this.isAway = true;
        // a refusal of the review itself is about this gateway, not about its caller
        throw new ApiError('unavailable', `the cluster does not say who may do what (${messageOf(error)}); try again`);
      })
      .finally(() => this.underWay.delete(key));
    this.underWay.set(key, asked);
    return asked;
  }

  private keep(key: string, answer: V): void {
    this.entries.delete(key);
    this.entries.set(key, { answer, askedAt: this.now() });
    const [oldest] = this.entries.keys();
    if (this.entries.size > this.options.maxEntries && oldest !== undefined) this.entries.delete(oldest);
  }
}

/** No answer is not a no: whoever was let in a moment ago is, as long as nobody can be asked. */
function orStale<V>(error: unknown, answer: V): V {
  if (isApiError(error, 'unavailable')) return answer;
  throw error;
}
