export interface Pauses {
  readonly firstMs: number;
  readonly lastMs: number;
}

/**
 * The pause after some failures in a row: twice as long each time.
 * @param failures before this one; 0 gives the first pause
 */
export function backOffMs(failures: number, { firstMs, lastMs }: Pauses): number {
  return Math.min(firstMs * 2 ** failures, lastMs);
}
