import { ApiError } from '@fsb/api/errors';

/**
 * Runs `work` with a signal that aborts after `ms`, or with `outer`. `AbortSignal.any` is not used: on a signal that
 * lives as long as the process, each use leaks.
 * @param what subject of the error message
 * @throws ApiError deadline_exceeded after `ms`, or aborted with `outer`, whatever `work` throws on the abort
 * @example await withDeadline('renew', 4_000, signal, (limit) => lock.get(limit))
 */
export async function withDeadline<T>(
  what: string,
  ms: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const cancel = (): void => {
    limit.abort(new ApiError('aborted', `${what}: cancelled`));
  };
  const timer = setTimeout(() => {
    limit.abort(new ApiError('deadline_exceeded', `${what}: no answer within ${ms} ms`));
  }, ms);
  outer?.addEventListener('abort', cancel, { once: true });
  if (outer?.aborted) cancel();
  try {
    return await work(limit.signal);
  } catch (error) {
    throw limit.signal.aborted ? limit.signal.reason : error;
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', cancel);
  }
}

/** Resolves when the signal aborts; never rejects. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });
}
