/** Times of one question to an agent, in milliseconds of this process's monotonic clock. */
export interface Exchange {
  readonly sentAt: number;
  readonly receivedAt: number;
  /** milliseconds between the delete and the agent's answer */
  readonly ageMs: number;
}

/**
 * Whether a create began before or after a delete, without comparing the clocks of two machines: the delete was `ageMs`
 * before a moment between `sentAt` and `receivedAt`. Each exchange bounds it from both sides; several narrow it. Pure.
 * @param begunAt on the clock of the exchanges
 * @returns undefined if the create began between the bounds
 * @example sideOfDelete(99, [{ sentAt: 100, receivedAt: 110, ageMs: 50 }]) // 'after': the delete was at 50 to 60
 */
export function sideOfDelete(begunAt: number, exchanges: readonly Exchange[]): 'before' | 'after' | undefined {
  const earliest = Math.max(...exchanges.map(({ sentAt, ageMs }) => sentAt - ageMs));
  const latest = Math.min(...exchanges.map(({ receivedAt, ageMs }) => receivedAt - ageMs));
  if (begunAt < earliest) return 'before';
  return begunAt > latest ? 'after' : undefined;
}
