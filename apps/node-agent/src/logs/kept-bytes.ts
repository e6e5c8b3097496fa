/** The bytes of a log that are kept, counted from the first that its process ever wrote. Positions never change. */
export interface KeptBytes {
  readonly start: number;
  readonly end: number;
}

/** A reader's next step: `dropped` bytes are there no more, `bytes` are to be read from `from`. */
export interface ReadStep {
  readonly dropped: number;
  readonly from: number;
  readonly bytes: number;
}

/** After a trim, in units of the largest size; one more may come before the next trim. */
const KEPT_UNITS = 3;

/**
 * Where a log that has grown too large should begin. Pure.
 * @param maxBytes a quarter of what is kept at most
 * @returns undefined while it is small enough
 */
export function trimTarget({ start, end }: KeptBytes, maxBytes: number): number | undefined {
  return end - start > (KEPT_UNITS + 1) * maxBytes ? end - KEPT_UNITS * maxBytes : undefined;
}

/**
 * The step of a reader who has had everything before `position`. Pure.
 * @param until where the reader stops, at `position` or behind it
 * @param most bytes of one step
 */
export function nextRead(position: number, kept: KeptBytes, until: number, most: number): ReadStep {
  const from = Math.min(Math.max(position, kept.start), until);
  const bytes = Math.max(0, Math.min(most, Math.min(kept.end, until) - from));
  return { dropped: from - position, from, bytes };
}
