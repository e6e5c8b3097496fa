export interface Pauses {
  readonly firstMs: number;
  readonly lastMs: number;
}

/**
 * Exponential back-off without jitter: `firstMs`, doubled with each failure in a row, at most `lastMs`.
 * @param failures before this one; 0 gives the first pause
 * @example backOffMs(2, { firstMs: 500, lastMs: 30_000 }) // 2000
 */
export function backOffMs(failures: number, { firstMs, lastMs }: Pauses): number {
  return Math.min(firstMs * 2 ** failures, lastMs);
}
