import { LimitError } from '@fsb/quota/limits';

export interface CallLimits {
  /** calls under way of one user, on all its connections */
  readonly callsPerUser: number;
  /** log streams of all namespaces together */
  readonly logStreams: number;
}

/** Until a call of many has ended. */
const RETRY_MS = 1_000;

/** Calls under way of those who have shown who they are: so many of a user, and so many log streams of a namespace. */
export class CallSeats {
  private readonly calls = new Map<string, number>();
  private readonly streams = new Map<string, number>();
  private allStreams = 0;

  constructor(private readonly limits: CallLimits) {}

  /** @returns ends it. @throws LimitError */
  call(user: string): () => void {
    const { callsPerUser } = this.limits;
    if ((this.calls.get(user) ?? 0) < callsPerUser) return taken(this.calls, user);
    const message = `user "${user}" has ${callsPerUser} calls under way, the most that one may have (--max-calls-per-user); try again when one has ended`;
    throw new LimitError('inFlight', message, RETRY_MS);
  }

  /** A namespace may have as many as are left for others, as with creates. @returns ends it. @throws LimitError */
  logStream(namespace: string): () => void {
    const { logStreams } = this.limits;
    const own = this.streams.get(namespace) ?? 0;
    if (own >= logStreams - this.allStreams) {
      const message = `${own} logs of namespace "${namespace}" are read at once, of ${this.allStreams} in all; a namespace may have as many as are left of ${logStreams} (--max-log-streams); try again when one has ended`;
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
