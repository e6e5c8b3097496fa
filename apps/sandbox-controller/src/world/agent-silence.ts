/** Silence of each agent as seen by this process. Objects, too, record silences beyond a few seconds. */
export class AgentSilence {
  private readonly since = new Map<string, number>();

  /** Notes that the agent is in reach, or gone. */
  clear(agentId: string): void {
    this.since.delete(agentId);
  }

  /** Milliseconds since the first call for this agent after its last `heard`; the first call gives 0. */
  silentMs(agentId: string, now: number): number {
    const since = this.since.get(agentId) ?? now;
    this.since.set(agentId, since);
    return Math.max(0, now - since);
  }
}
