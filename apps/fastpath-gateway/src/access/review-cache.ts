import { ApiError, isApiError, messageOf } from '@fsb/api/errors';
import { setBounded } from '@fsb/kit/set-bounded';

export interface ReviewCacheOptions<V> {
  /** milliseconds for which an answer is fresh; a use in the second half of them refreshes it in the background */
  readonly freshMs: (answer: V) => number;
  /** bound of the refusals, and of the other answers; the least recently used of the same kind is evicted */
  readonly maxEntries: number;
  /**
   * whether an answer is a refusal. Anybody can cause any number of these, so they evict only each other; default: no
   */
  readonly isRefusal?: (answer: V) => boolean;
  /** whether an answer makes its key a known one, whose reviews have seats of their own; default: each does */
  readonly isKnown?: (answer: V) => boolean;
}

interface Entry<V> {
  readonly answer: V;
  readonly askedAt: number;
}

/** Milliseconds past freshness for which answers serve while the API server is unavailable: FAST creates go on. */
export const STALE_MS = 600_000;
/** Concurrent reviews of unknown keys: a flood of unknown tokens must not become a flood on the API server. */
const MAX_UNKNOWN = 64;
/** Share of {@link MAX_UNKNOWN} that one asker, such as an address, may hold. */
const MAX_OF_ASKER = 16;
/** Concurrent reviews of known keys: seats that unknown keys cannot take. */
const MAX_KNOWN = 64;
/** Retry delay, in milliseconds, of a refusal for want of a seat. */
const RETRY_MS = 1_000;

/** Too many reviews are in flight. Unlike an unavailable API server, this does not make a stale answer usable. */
class NoSeat extends ApiError {
  constructor() {
    super('unavailable', 'too many access reviews are in flight; try again', { retryDelayMs: RETRY_MS });
  }
}

/**
 * LRU cache of the API server's access reviews, with in-flight reviews shared, refresh in the background and stale
 * answers while the API server is unavailable.
 */
export class ReviewCache<V> {
  private readonly entries = new Map<string, Entry<V>>();
  private readonly refusals = new Map<string, Entry<V>>();
  private readonly underWay = new Map<string, Promise<V>>();
  /** reviews of unknown keys in flight, by asker */
  private readonly askers = new Map<string, number>();
  private unknown = 0;
  /** whether the last review failed; until one succeeds, callers with a stale answer get it without waiting */
  private isAway = false;

  constructor(
    private readonly options: ReviewCacheOptions<V>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * The answer to `key`.
   * @param ask does the review
   * @param asker whose share of the seats for unknown keys the review counts against; empty: no share
   * @returns the answer when it is cached, else a promise of it
   * @throws ApiError unavailable, by rejection, when too many reviews are in flight, or when `ask` fails and no answer
   *   is cached
   * @example const caller = await tokens.get(digest(token), () => review(token), remoteAddress);
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
      if (!isAway) return asked.catch((error: unknown) => orStale(error, entry.answer));
      asked.catch(() => undefined); // nobody waits for it
      return entry.answer;
    }
    const entries = this.entriesLike(entry);
    entries.delete(key);
    entries.set(key, entry); // the map is in order of use, the most recent last
    // a failed refresh is retried by the next use
    if (age >= fresh / 2 && this.isKnown(entry)) void this.askOfKnown(key, ask).catch(() => undefined);
    return entry.answer;
  }

  /** Whether an answer to `key` is cached, fresh or stale. */
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
        // a refused review is the gateway's lack of permission, not the caller's
        throw new ApiError('unavailable', `the access review failed (${messageOf(error)}); try again`);
      })
      .finally(() => this.underWay.delete(key));
    this.underWay.set(key, asked);
    return asked;
  }

  private keep(key: string, answer: V): void {
    this.entries.delete(key);
    this.refusals.delete(key);
    const entry = { answer, askedAt: this.now() };
    setBounded(this.entriesLike(entry), key, entry, this.options.maxEntries);
  }
}

/** The stale answer while the API server is unavailable; rethrows every other error, {@link NoSeat} included. */
function orStale<V>(error: unknown, answer: V): V {
  if (isApiError(error, 'unavailable') && !(error instanceof NoSeat)) return answer;
  throw error;
}
