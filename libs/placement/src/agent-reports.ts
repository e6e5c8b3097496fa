import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';

export interface ReportChange {
  readonly agentId: string;
  readonly sandboxId: string;
  readonly namespace: string;
  readonly name: string;
  /** absent: the agent no longer has it, or is gone */
  readonly sandbox?: AgentSandboxStatus;
}

interface Named {
  readonly agentId: string;
  readonly sandboxId: string;
}

/** The last report of each sandbox, by agent and by name. */
export class AgentReports {
  private readonly byAgent = new Map<string, Map<string, AgentSandboxStatus>>();
  private readonly byName = new Map<string, Named[]>();
  /** unbound sandboxes by agent and id: few, and read by each list */
  private readonly withoutClaim = new Map<string, Named>();
  private readonly listeners: ((change: ReportChange) => void)[] = [];

  onChange(listener: (change: ReportChange) => void): void {
    this.listeners.push(listener);
  }

  get(agentId: string, sandboxId: string): AgentSandboxStatus | undefined {
    return this.byAgent.get(agentId)?.get(sandboxId);
  }

  of(agentId: string): AgentSandboxStatus[] {
    return [...(this.byAgent.get(agentId)?.values() ?? [])];
  }

  *all(): Generator<{ agentId: string; sandbox: AgentSandboxStatus }> {
    for (const [agentId, sandboxes] of this.byAgent) {
      for (const sandbox of sandboxes.values()) yield { agentId, sandbox };
    }
  }

  *unbound(): Generator<{ agentId: string; sandbox: AgentSandboxStatus }> {
    for (const { agentId, sandboxId } of this.withoutClaim.values()) {
      const sandbox = this.get(agentId, sandboxId);
      if (sandbox) yield { agentId, sandbox };
    }
  }

  named(namespace: string, name: string): { agentId: string; sandbox: AgentSandboxStatus }[] {
    return (this.byName.get(`${namespace}/${name}`) ?? []).flatMap(({ agentId, sandboxId }) => {
      const sandbox = this.get(agentId, sandboxId);
      return sandbox ? [{ agentId, sandbox }] : [];
    });
  }

  replace(agentId: string, sandboxes: readonly AgentSandboxStatus[]): void {
    const kept = new Set(sandboxes.map(({ sandboxId }) => sandboxId));
    for (const { sandboxId } of this.of(agentId)) if (!kept.has(sandboxId)) this.remove(agentId, sandboxId);
    for (const sandbox of sandboxes) this.set(agentId, sandbox);
  }

  set(agentId: string, sandbox: AgentSandboxStatus): void {
    const { sandboxId } = sandbox;
    this.forgetName(agentId, sandboxId);
    const sandboxes = this.byAgent.get(agentId) ?? new Map<string, AgentSandboxStatus>();
    this.byAgent.set(agentId, sandboxes.set(sandboxId, sandbox));
    const key = nameKey(agentId, sandbox);
    this.byName.set(key, [...(this.byName.get(key) ?? []), { agentId, sandboxId }]);
    if (sandbox.claimUid === '') this.withoutClaim.set(`${agentId}/${sandboxId}`, { agentId, sandboxId });
    this.notify(agentId, sandbox, true);
  }

  remove(agentId: string, sandboxId: string): void {
    const before = this.get(agentId, sandboxId);
    if (!before) return;
    this.forgetName(agentId, sandboxId);
    this.byAgent.get(agentId)?.delete(sandboxId);
    this.notify(agentId, before, false);
  }

  removeAgent(agentId: string): void {
    this.replace(agentId, []);
    this.byAgent.delete(agentId);
  }

  private notify(agentId: string, sandbox: AgentSandboxStatus, present: boolean): void {
    const { sandboxId, claimName: name = '' } = sandbox;
    const change = { agentId, sandboxId, name, namespace: namespaceOf(agentId) };
    for (const listener of this.listeners) listener(present ? { ...change, sandbox } : change);
  }

  private forgetName(agentId: string, sandboxId: string): void {
    const before = this.get(agentId, sandboxId);
    if (!before) return;
    this.withoutClaim.delete(`${agentId}/${sandboxId}`);
    const key = nameKey(agentId, before);
    const left = this.byName.get(key)?.filter((named) => named.agentId !== agentId || named.sandboxId !== sandboxId);
    if (left && left.length > 0) this.byName.set(key, left);
    else this.byName.delete(key);
  }
}

/** Namespace of an agent's Pod, and of the objects of all its sandboxes. @param agentId `namespace/name` of the Pod */
export function namespaceOf(agentId: string): string {
  return agentId.slice(0, agentId.indexOf('/'));
}

function nameKey(agentId: string, sandbox: AgentSandboxStatus): string {
  return `${namespaceOf(agentId)}/${sandbox.claimName ?? ''}`;
}
