/** Since when an agent has been out of reach. What is longer than a few seconds the objects say as well. */
export class AgentSilence {
  private readonly since = new Map<string, number>();

  heard(agentId: string): void {
    this.since.delete(agentId);
  }

  /** Milliseconds since the first call for an agent that was not heard of meanwhile. */
  silentMs(agentId: string, now: number): number {
    const since = this.since.get(agentId) ?? now;
    this.since.set(agentId, since);
    return Math.max(0, now - since);
  }
}
