/** What an agent says of itself, and what of it may be believed. */
import { type AgentSandboxStatus, type AgentStatus } from '@fsb/agent-api/agent-api';
import { type Registry, type SandboxEntry } from '@fsb/registry/registry';
import { type AgentPod } from './agent-pod';
import { namespaceOf } from './agent-reports';

/** False where another agent has got the address: told by its Pod's uid, or by the name where it does not say that. */
export function isSaidBy(
  { name, podUid }: Pick<AgentPod, 'name'> & { readonly podUid: AgentPod['uid'] },
  { agentId, agentUid }: Pick<AgentStatus, 'agentId' | 'agentUid'>,
): boolean {
  return agentUid === undefined ? agentId === name : agentUid === podUid;
}

/** An agent speaks for the namespace of its own Pod: a pool serves its namespace alone. */
export function isOwn(agentId: string, { namespace }: AgentSandboxStatus): boolean {
  return namespace === undefined || namespace === namespaceOf(agentId);
}

/** An agent of the original reports neither name nor ports: what was reserved here stays known. */
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
