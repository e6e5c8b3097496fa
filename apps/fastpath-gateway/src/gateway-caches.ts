import { AgentClient } from '@fsb/agent-api/agent-client';
import { TlsFolder } from '@fsb/component-base/tls-folder';
import { Informer } from '@fsb/controller-runtime/informer';
import { POD_KIND, POOL_KIND, RESOURCE_QUOTA_KIND, SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { AgentDirectory } from '@fsb/placement/agent-directory';
import { AGENT_POD_SELECTOR } from '@fsb/placement/agent-pod';
import { type RefusedReports } from '@fsb/placement/refused-reports';
import { TemplateSigner } from '@fsb/placement/vouched-template';
import { Registry as Agents } from '@fsb/registry/registry';
import { type GatewayConfig } from './gateway.config';

/** State that a gateway reads: informers of the API, and the directory of agents. */
export class GatewayCaches {
  readonly sandboxes;
  readonly pools;
  readonly pods;
  readonly quotas;
  readonly agents: AgentClient;
  readonly directory: AgentDirectory;

  /** Signs the templates that agents keep of unbound sandboxes. */
  readonly signer: TemplateSigner;

  constructor({ agentTlsDir, agentPort }: GatewayConfig, client: KubeClient, refused: RefusedReports) {
    this.sandboxes = new Informer({ client, kind: SANDBOX_KIND });
    this.pools = new Informer({ client, kind: POOL_KIND });
    this.pods = new Informer({ client, kind: POD_KIND, labelSelector: AGENT_POD_SELECTOR });
    this.quotas = new Informer({ client, kind: RESOURCE_QUOTA_KIND });
    const tls = new TlsFolder(agentTlsDir);
    this.agents = new AgentClient({ tls, port: agentPort });
    this.signer = new TemplateSigner(tls);
    const { agents, pods, pools } = this;
    this.directory = new AgentDirectory({ registry: new Agents(), client: agents, pods, pools, refused });
  }

  /** Whether all informers have synced and the agent directory has settled. */
  get isFilled(): boolean {
    const { sandboxes, pools, pods, quotas, directory } = this;
    return [sandboxes, pools, pods, quotas].every(({ hasSynced }) => hasSynced) && directory.isSettled;
  }

  start(): void {
    this.directory.start();
  }

  async stop(): Promise<void> {
    await this.directory.stop();
    this.agents.close();
  }
}
