import { type SandboxResources } from '@fsb/api/sandbox';
import { type AgentDirectory } from '@fsb/placement/agent-directory';
import { usageOfSpec } from './usage';
import { type UsageLedger } from './usage-ledger';

/** What agents keep of a sandbox for whoever writes its object; judged by nobody yet. */
interface Kept {
  readonly spec?: { readonly resources?: SandboxResources };
}

/** Keeps a ledger in step with the containers that have no object yet. */
export function followReports(ledger: UsageLedger, directory: Pick<AgentDirectory, 'onReport'>): void {
  directory.onReport(({ namespace, name, sandbox }) => {
    if (name === '') return;
    const isUnbound = sandbox?.claimUid === '';
    const resources = isUnbound ? (sandbox.object as Kept | undefined)?.spec?.resources : undefined;
    ledger.setReported(`${namespace}/${name}`, isUnbound ? usageOfSpec(resources) : undefined);
  });
}
