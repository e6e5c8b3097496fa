/** What a reconcile asks for next. Nothing means: wait for the next event. */
export interface Result {
  readonly requeueAfterMs?: number;
}

/** Makes the world match one object. Level-based: it re-reads everything and may run at any time, any number of times. */
export interface Reconciler {
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- "no wish" is the usual answer, and needs no return
  reconcile(key: string, signal: AbortSignal): Promise<Result | void>;
}

/** An error that a retry cannot mend: it is counted and logged, and the key is not put back. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}
