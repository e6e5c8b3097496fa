/** Limits after which a process that does not answer is restarted. */
export interface LivenessLimits {
  /** between two probes, and the deadline of each */
  readonly everyMs: number;
  /** misses in a row until the process is ended */
  readonly misses: number;
  /** uptime below which misses do not count: Node takes half a minute to start on a machine with a load of 60 */
  readonly startMs: number;
}

export const LIVENESS: LivenessLimits = { everyMs: 10_000, misses: 3, startMs: 60_000 };

export interface ProbeResult {
  /** undefined: the process answered */
  readonly refusal: string | undefined;
  readonly tookMs: number;
  /** since the process was started */
  readonly upMs: number;
}

/**
 * Misses in a row after one more probe. Pure. A miss that took over 1.5 times its deadline is ignored: its timer was
 * late, so the supervisor itself lacked CPU time.
 */
export function missesAfter(misses: number, { refusal, tookMs, upMs }: ProbeResult, limits = LIVENESS): number {
  if (refusal === undefined) return 0;
  if (upMs < limits.startMs || tookMs > 1.5 * limits.everyMs) return misses;
  return misses + 1;
}
