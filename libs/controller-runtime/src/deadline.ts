import { ApiError } from '@fsb/api/errors';

/**
 * Runs `work` with a signal that aborts after `ms`, or with `outer`. `AbortSignal.any` on a signal that lives as long
 * as the process leaks some bytes each time; here the listener is taken off again.
 * @throws ApiError deadline_exceeded or aborted, whatever `work` made of the abort
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

/** Resolves, never rejects. */
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
