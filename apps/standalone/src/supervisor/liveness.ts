import { setTimeout as sleep } from 'node:timers/promises';
import { type LivenessLimits, missesAfter } from './liveness-plan';

/** @returns undefined when the process answers, else the reason it does not */
export type LivenessProbe = (limits: {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}) => Promise<string | undefined>;

export interface WatchedProcess {
  readonly alive: LivenessProbe;
  /** Unix milliseconds */
  readonly startedAt: number;
  readonly limits: LivenessLimits;
}

/**
 * Probes a process until it has missed `limits.misses` probes in a row.
 * @returns the result of the last probe; undefined when `signal` aborted before
 */
export async function untilUnresponsive(
  { alive, startedAt, limits }: WatchedProcess,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (let misses = 0; !signal.aborted;) {
    const began = performance.now();
    const refusal = await alive({ timeoutMs: limits.everyMs, signal });
    if (hasAborted(signal)) break; // the abort made the probe fail
    const tookMs = performance.now() - began;
    misses = missesAfter(misses, { refusal, tookMs, upMs: Date.now() - startedAt }, limits);
    if (misses >= limits.misses) return refusal;
    await sleep(Math.max(0, limits.everyMs - tookMs), undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** A function, since TypeScript's narrowing ignores that the signal changes during the probe. */
function hasAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
