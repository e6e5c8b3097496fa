import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type AgentDirectory } from '@fsb/placement/agent-directory';
import { namespaceOf } from '@fsb/placement/agent-reports';
import { templateOf } from '@fsb/placement/sandbox-object';
import { plus, type Usage, usageOfSpec } from './usage';
import { type UsageLedger } from './usage-ledger';

/** What a namespace uses: the ledger's, and the containers whose object some gateway is still to write. */
export class NamespaceUsage {
  /** each report is an object that does not change */
  private readonly reported = new WeakMap<AgentSandboxStatus, Usage>();

  constructor(
    readonly ledger: UsageLedger,
    private readonly directory: Pick<AgentDirectory, 'unbound'>,
  ) {}

  /** Looks through what has no object: little, as long as the API server takes objects. */
  of(namespace: string): Usage {
    let used = this.ledger.of(namespace);
    for (const { agent, sandbox } of this.directory.unbound()) {
      if (namespaceOf(agent.id, sandbox) !== namespace) continue;
      if (!this.ledger.has(`${namespace}/${sandbox.claimName ?? ''}`)) used = plus(used, this.usageOfReport(sandbox));
    }
    return used;
  }

  private usageOfReport(sandbox: AgentSandboxStatus): Usage {
    const known = this.reported.get(sandbox);
    if (known) return known;
    const usage = usageOfSpec(templateOf(sandbox.object)?.spec.resources);
    this.reported.set(sandbox, usage);
    return usage;
  }
}
