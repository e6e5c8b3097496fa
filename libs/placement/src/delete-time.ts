/** One question to an agent, on this process's own clock that never goes back (milliseconds). */
export interface Exchange {
  readonly sentAt: number;
  readonly receivedAt: number;
  /** how long before its answer the agent was told of the delete */
  readonly ageMs: number;
}

/**
 * On which side of a delete a create began. Two machines' clocks are not compared: the delete was `ageMs` before a
 * moment between `sentAt` and `receivedAt`, so each exchange bounds it from both sides, and several do so more narrowly.
 * Undefined: the create began between the bounds. Pure.
 * @param begunAt on the clock of the exchanges
 */
export function sideOfDelete(begunAt: number, exchanges: readonly Exchange[]): 'before' | 'after' | undefined {
  const earliest = Math.max(...exchanges.map(({ sentAt, ageMs }) => sentAt - ageMs));
  const latest = Math.min(...exchanges.map(({ receivedAt, ageMs }) => receivedAt - ageMs));
  if (begunAt < earliest) return 'before';
  return begunAt > latest ? 'after' : undefined;
}
