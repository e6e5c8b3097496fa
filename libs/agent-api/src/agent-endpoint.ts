/** Where an agent is, and which one it must be. */
export interface AgentEndpoint {
  /** the Pod's IP */
  readonly address: string;
  readonly podUid: string;
}

/**
 * The name in an agent's certificate: whoever calls asks for it, so that another agent, or whatever else has got the Pod's
 * address, is not taken for it. Nobody resolves it.
 */
export function agentServerName(podUid: string): string {
  return `${podUid}.agents.fast-sandbox.internal`;
}
