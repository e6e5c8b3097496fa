/**
 * Runs `work` with a signal that aborts after `ms` or with `outer`. `AbortSignal.any` and `timeout` are not used: on
 * Node 20 each use with a long-lived signal leaks.
 * @param ms milliseconds; 0 or less aborts at once
 * @param outer a caller's signal; no listener stays on it
 * @throws what `work` throws
 * @example await limited(5_000, signal, (limit) => fetch(url, { signal: limit }))
 */
export async function limited<T>(
  ms: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const abort = (): void => {
    limit.abort();
  };
  const timer = setTimeout(abort, Math.max(0, ms));
  outer?.addEventListener('abort', abort, { once: true });
  if (outer?.aborted === true) abort();
  try {
    return await work(limit.signal);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', abort);
  }
}
