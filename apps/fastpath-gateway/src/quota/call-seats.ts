import { LimitError } from '@fsb/quota/limits';

export interface CallLimits {
  /** concurrent calls of one user, on all its connections */
  readonly callsPerUser: number;
  /** concurrent log streams of all namespaces together */
  readonly logStreams: number;
}

/** Retry delay of a refused call: by then one of many calls has ended. */
const RETRY_MS = 1_000;

/** Bounds the calls in flight of authenticated callers: all calls by user, log streams also by namespace. */
export class CallSeats {
  private readonly calls = new Map<string, number>();
  private readonly streams = new Map<string, number>();
  private allStreams = 0;

  constructor(private readonly limits: CallLimits) {}

  /**
   * Takes a seat for a call of `user`.
   * @returns a function that gives the seat back
   * @throws LimitError inFlight, when the user has `callsPerUser` calls in flight
   */
  call(user: string): () => void {
    const { callsPerUser } = this.limits;
    if ((this.calls.get(user) ?? 0) < callsPerUser) return taken(this.calls, user);
    const message = `user "${user}" has ${callsPerUser} calls under way, the most that one may have (--max-calls-per-user); try again when one has ended`;
    throw new LimitError('inFlight', message, RETRY_MS);
  }

  /**
   * Takes a seat for a log stream of `namespace`. A namespace may hold as many seats as are still free, as in
   * FairSeats.
   * @returns a function that gives the seat back
   * @throws LimitError inFlight, when the namespace holds its share
   */
  logStream(namespace: string): () => void {
    const { logStreams } = this.limits;
    const own = this.streams.get(namespace) ?? 0;
    if (own >= logStreams - this.allStreams) {
      const message = `namespace "${namespace}" has ${own} of ${this.allStreams} open log streams; it may have as many as are free of ${logStreams} (--max-log-streams); try again when one has ended`;
      throw new LimitError('inFlight', message, RETRY_MS);
    }
    const leave = taken(this.streams, namespace);
    this.allStreams += 1;
    return () => {
      leave();
      this.allStreams -= 1;
    };
  }
}

function taken(counts: Map<string, number>, key: string): () => void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
  return () => {
    const left = (counts.get(key) ?? 0) - 1;
    if (left > 0) counts.set(key, left);
    else counts.delete(key);
  };
}
