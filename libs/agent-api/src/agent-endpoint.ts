/** Address and expected identity of an agent. */
export interface AgentEndpoint {
  /** the Pod's IP */
  readonly address: string;
  readonly podUid: string;
}

/**
 * The server name in an agent's certificate. A client verifies it, so that nothing else with the Pod's address can pass
 * for the agent. It is never resolved.
 */
export function agentServerName(podUid: string): string {
  return `${podUid}.agents.fast-sandbox.internal`;
}
