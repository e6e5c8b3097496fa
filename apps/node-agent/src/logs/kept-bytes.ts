/** Range of a log's bytes that are kept. Positions count from the first byte ever written, and never change. */
export interface KeptBytes {
  readonly start: number;
  readonly end: number;
}

/** A reader's next step: skip `dropped` bytes, which are not kept, then read `bytes` at `from`. */
export interface ReadStep {
  readonly dropped: number;
  readonly from: number;
  readonly bytes: number;
}

/** Size after a trim, in units of `maxBytes`. One unit more may be written before the next trim. */
const KEPT_UNITS = 3;

/**
 * New start of a log that has grown too large. Pure.
 * @param maxBytes a quarter of the largest size
 * @returns undefined where the log is small enough
 */
export function trimTarget({ start, end }: KeptBytes, maxBytes: number): number | undefined {
  return end - start > (KEPT_UNITS + 1) * maxBytes ? end - KEPT_UNITS * maxBytes : undefined;
}

/**
 * The next step of a reader at `position`. Pure.
 * @param until where the reader stops, not before `position`
 * @param most bytes of one step
 */
export function nextRead(position: number, kept: KeptBytes, until: number, most: number): ReadStep {
  const from = Math.min(Math.max(position, kept.start), until);
  const bytes = Math.max(0, Math.min(most, Math.min(kept.end, until) - from));
  return { dropped: from - position, from, bytes };
}
