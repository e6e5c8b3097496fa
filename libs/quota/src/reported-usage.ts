import { type SandboxResources } from '@fsb/api/sandbox';
import { type AgentDirectory } from '@fsb/placement/agent-directory';
import { usageOfSpec } from './usage';
import { type UsageLedger } from './usage-ledger';

/** The part read of the template that an agent keeps for an unbound sandbox. It is not validated yet. */
interface Kept {
  readonly spec?: { readonly resources?: SandboxResources };
}

/** Keeps a ledger in step with the agents' reports of unbound containers. */
export function followReports(ledger: UsageLedger, directory: Pick<AgentDirectory, 'onReport'>): void {
  directory.onReport(({ namespace, name, sandbox }) => {
    if (name === '') return;
    const isUnbound = sandbox?.claimUid === '';
    const resources = isUnbound ? (sandbox.object as Kept | undefined)?.spec?.resources : undefined;
    ledger.setReported(`${namespace}/${name}`, isUnbound ? usageOfSpec(resources) : undefined);
  });
}
