import { setTimeout as sleep } from 'node:timers/promises';
import { type LivenessLimits, missesAfter } from './liveness-plan';

/** @returns undefined while the process answers, else what is wrong */
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
 * Probes a process until it has missed too many probes in a row.
 * @returns the answer to the last probe; undefined where `signal` has aborted before
 */
export async function untilUnresponsive(
  { alive, startedAt, limits }: WatchedProcess,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (let misses = 0; !signal.aborted;) {
    const began = performance.now();
    const refusal = await alive({ timeoutMs: limits.everyMs, signal });
    if (hasAborted(signal)) break; // the probe has failed of that
    const tookMs = performance.now() - began;
    misses = missesAfter(misses, { refusal, tookMs, upMs: Date.now() - startedAt }, limits);
    if (misses >= limits.misses) return refusal;
    await sleep(Math.max(0, limits.everyMs - tookMs), undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** A function: the signal changes during the probe, which TypeScript's narrowing does not see. */
function hasAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
