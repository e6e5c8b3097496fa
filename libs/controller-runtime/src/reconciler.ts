/** Result of a reconcile; absent: nothing to do before the next event. */
export interface Result {
  readonly requeueAfterMs?: number;
}

/** Brings the world in line with one object. Level-based: it rereads everything, and may run at any time and often. */
export interface Reconciler {
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- "no wish" is the usual answer, and needs no return
  reconcile(key: string, signal: AbortSignal): Promise<Result | void>;
}

/** An error that a retry cannot resolve: it is counted and logged, and the key is not requeued. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}
