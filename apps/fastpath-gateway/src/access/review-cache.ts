import { ApiError, isApiError, messageOf } from '@fsb/api/errors';
import { setLatest } from '@fsb/kit/set-latest';

export interface ReviewCacheOptions<V> {
  /** how long an answer holds, in milliseconds; asked anew in the background from half of it on, while it is used */
  readonly freshMs: (answer: V) => number;
  /** of refusals, and of other answers; the one of the same sort that was not used for longest goes */
  readonly maxEntries: number;
  /** whether such an answer lets nobody in: anybody can get any number of them, so they push out no other; default: never */
  readonly isRefusal?: (answer: V) => boolean;
  /** whether such an answer makes its key a known one, whose reviews have seats of their own; default: always */
  readonly isKnown?: (answer: V) => boolean;
}

interface Entry<V> {
  readonly answer: V;
  readonly askedAt: number;
}

/** How much longer an answer holds while the API server cannot be asked: FAST creates go on without it. */
export const STALE_MS = 600_000;
/** Reviews under way at once of keys without an answer; a flood of unknown tokens must not become one on the API server. */
const MAX_UNKNOWN = 64;
/** Of these, what one asker may hold, such as an address. */
const MAX_OF_ASKER = 16;
/** Seats in reserve for keys that are known: strangers cannot take them. */
const MAX_KNOWN = 64;
/** A key that found no seat is asked for again this much later. */
const RETRY_MS = 1_000;

/** Too many reviews are under way. It says nothing about the API server. */
class NoSeat extends ApiError {
  constructor() {
    super('unavailable', 'too many callers are being looked up at once; try again', { retryDelayMs: RETRY_MS });
  }
}

/** Answers of the API server about who somebody is and what they may do: given at once where they are known. */
export class ReviewCache<V> {
  private readonly entries = new Map<string, Entry<V>>();
  private readonly refusals = new Map<string, Entry<V>>();
  private readonly underWay = new Map<string, Promise<V>>();
  /** reviews of unknown keys, by who asks */
  private readonly askers = new Map<string, number>();
  private unknown = 0;
  /** the last question had no answer: nobody waits for the next one who can do with the old */
  private isAway = false;

  constructor(
    private readonly options: ReviewCacheOptions<V>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * @param asker who shares the seats for unknown keys with nobody else
   * @returns the answer, or a promise of it
   * @throws ApiError unavailable where too many are being asked for; what `ask` throws, where no answer is known
   */
  get(key: string, ask: () => Promise<V>, asker = ''): V | Promise<V> {
    const entry = this.entries.get(key) ?? this.refusals.get(key);
    if (!entry) return this.askOfUnknown(key, ask, asker);
    const age = this.now() - entry.askedAt;
    const fresh = this.options.freshMs(entry.answer);
    if (age >= fresh) {
      const { isAway } = this;
      const asked = this.isKnown(entry) ? this.askOfKnown(key, ask) : this.askOfUnknown(key, ask, asker);
      if (age >= fresh + STALE_MS) return asked;
      const orOld = asked.catch((error: unknown) => orStale(error, entry.answer));
      return isAway ? entry.answer : orOld;
    }
    const entries = this.entriesLike(entry);
    entries.delete(key);
    entries.set(key, entry); // the last of the map is the one used last
    if (age >= fresh / 2 && this.isKnown(entry)) void this.askOfKnown(key, ask).catch(() => undefined); // asked again by whoever comes after
    return entry.answer;
  }

  /** Whether there is an answer to `key`, fresh or not. */
  has(key: string): boolean {
    return this.entries.has(key) || this.refusals.has(key);
  }

  private entriesLike({ answer }: Entry<V>): Map<string, Entry<V>> {
    return this.options.isRefusal?.(answer) ? this.refusals : this.entries;
  }

  private isKnown({ answer }: Entry<V>): boolean {
    return this.options.isKnown?.(answer) ?? true;
  }

  private askOfKnown(key: string, ask: () => Promise<V>): Promise<V> {
    const running = this.underWay.get(key);
    if (running) return running;
    return this.underWay.size - this.unknown < MAX_KNOWN ? this.ask(key, ask) : Promise.reject(new NoSeat());
  }

  private askOfUnknown(key: string, ask: () => Promise<V>, asker: string): Promise<V> {
    const running = this.underWay.get(key);
    if (running) return running;
    const held = this.askers.get(asker) ?? 0;
    if (this.unknown >= MAX_UNKNOWN || (asker !== '' && held >= MAX_OF_ASKER)) return Promise.reject(new NoSeat());
    this.unknown += 1;
    this.askers.set(asker, held + 1);
    return this.ask(key, ask).finally(() => {
      this.unknown -= 1;
      const left = (this.askers.get(asker) ?? 1) - 1;
      if (left === 0) this.askers.delete(asker);
      else this.askers.set(asker, left);
    });
  }

  private ask(key: string, ask: () => Promise<V>): Promise<V> {
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
    this.refusals.delete(key);
    const entry = { answer, askedAt: this.now() };
    setLatest(this.entriesLike(entry), key, entry, this.options.maxEntries);
  }
}

/** No answer is not a no: whoever was let in a moment ago is, as long as nobody can be asked. */
function orStale<V>(error: unknown, answer: V): V {
  if (isApiError(error, 'unavailable') && !(error instanceof NoSeat)) return answer;
  throw error;
}
