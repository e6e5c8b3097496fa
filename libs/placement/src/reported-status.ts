/** Reports of agents, and which of them to believe. */
import { type AgentSandboxStatus, type AgentStatus } from '@fsb/agent-api/agent-api';
import { type Registry, type SandboxEntry } from '@fsb/registry/registry';
import { type AgentPod } from './agent-pod';
import { namespaceOf } from './agent-reports';

/** Whether a status comes from this Pod's agent: by the Pod's uid, or by its name if the agent reports no uid. */
export function isFromPod(
  { name, podUid }: Pick<AgentPod, 'name'> & { readonly podUid: AgentPod['uid'] },
  { agentId, agentUid }: Pick<AgentStatus, 'agentId' | 'agentUid'>,
): boolean {
  return agentUid === undefined ? agentId === name : agentUid === podUid;
}

/** Whether a reported sandbox is in the namespace of the agent's Pod. A pool serves only its own namespace. */
export function isInOwnNamespace(agentId: string, { namespace }: AgentSandboxStatus): boolean {
  return namespace === undefined || namespace === namespaceOf(agentId);
}

/** The registry's entry for a report. The Go predecessor reports no name or ports: they come from the reservation. */
export function entryOf(registry: Registry, agentId: string, sandbox: AgentSandboxStatus): SandboxEntry {
  const { sandboxId, claimName, ports, phase } = sandbox;
  const known = claimName === undefined || ports === undefined ? registry.entry(agentId, sandboxId) : undefined;
  return {
    sandboxId,
    name: claimName ?? known?.name ?? '',
    namespace: namespaceOf(agentId),
    ports: ports ?? known?.ports ?? [],
    phase,
  };
}
