import { attemptOf, knownSandboxId } from '@fsb/api/sandbox-id';
import { type Informer } from '@fsb/controller-runtime/informer';
import { installationId } from '@fsb/controller-runtime/installation';
import {
  type Kind,
  type KubeObject,
  type ObjectKey,
  type Pod,
  POD_KIND,
  SANDBOX_KIND,
} from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { KubeError } from '@fsb/controller-runtime/kube-error';
import { type LeaseWatch } from './lease-watch';
import { type AgentPresence, type LabelledContainer, type Evidence, type ObjectPresence } from './orphan-policy';

const ASK_MS = 5_000;
const PAGE = 500;
type AgentKey = Pick<LabelledContainer, 'namespace' | 'agentName' | 'agentUid'>;

/** Evidence of the cluster about containers. A failed read is `unknown`; `gone` and `absent` are read live. */
export class ClusterEvidence {
  private known: Promise<string> | undefined;

  constructor(
    private readonly client: KubeClient,
    private readonly nodeName: string,
    private readonly pods: Pick<Informer<Pod>, 'list'>,
    private readonly adopter: LeaseWatch,
  ) {}

  /** Id of this process's installation, read once. @throws ApiError of the read; the next call reads again */
  installation(): Promise<string> {
    this.known ??= this.askInstallation();
    this.known.catch(() => (this.known = undefined));
    return this.known;
  }

  /** Whether the API server still serves the installation's cluster: another cluster's "not found" proves nothing. */
  async isSameCluster(): Promise<boolean> {
    try {
      return (await this.askInstallation()) === (await this.installation());
    } catch {
      return false;
    }
  }

  async of(container: LabelledContainer): Promise<Evidence> {
    const [agent, object] = await Promise.all([this.agent(container), this.object(container)]);
    return { agent, object, adopterHeldMs: this.adopter.heldMs() };
  }

  async agent({ namespace, agentName, agentUid }: AgentKey): Promise<AgentPresence> {
    if (agentUid === '' || agentName === '' || namespace === '') return 'unknown';
    if (this.pods.list().some(({ metadata }) => metadata.uid === agentUid)) return 'present';
    const found = await this.ask(POD_KIND, { namespace, name: agentName });
    if (found === 'unknown') return 'unknown';
    return found !== 'absent' && found.metadata.uid === agentUid ? 'present' : 'gone';
  }

  /** Uids of all Pods of this node, by a live list. @throws ApiError of the list */
  async podsOfNode(): Promise<string[]> {
    const uids: string[] = [];
    let next: string | undefined;
    do {
      const query = { fieldSelector: `spec.nodeName=${this.nodeName}`, limit: PAGE, continue: next };
      const page = await this.client.list(POD_KIND, query, { deadlineMs: ASK_MS });
      uids.push(...page.items.map(({ metadata }) => metadata.uid ?? ''));
      next = page.continue;
    } while (next);
    return uids;
  }

  /** Whether the Sandbox of this uid exists, or its absence cannot be determined. */
  async mayHaveObject({ uid, ...key }: ObjectKey & { readonly uid: string }): Promise<boolean> {
    const found = await this.ask(SANDBOX_KIND, key);
    return typeof found === 'string' ? found === 'unknown' : found.metadata.uid === uid;
  }

  private async object({ namespace, sandboxName }: LabelledContainer): Promise<ObjectPresence> {
    if (sandboxName === '' || namespace === '') return 'unknown';
    const found = await this.ask(SANDBOX_KIND, { namespace, name: sandboxName });
    if (typeof found === 'string') return found;
    const { uid = '' } = found.metadata;
    return uid === '' ? 'unknown' : { uid, sandboxId: knownSandboxId(found), attempt: attemptOf(found) };
  }

  private async ask<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<T | 'absent' | 'unknown'> {
    try {
      return await this.client.get(kind, key, { deadlineMs: ASK_MS });
    } catch (error) {
      return isDefinitelyAbsent(error, key.name) ? 'absent' : 'unknown';
    }
  }

  private askInstallation(): Promise<string> {
    return installationId(this.client, AbortSignal.timeout(ASK_MS));
  }
}

/** Whether the API server itself reports the object absent. A 404 of a proxy or for an unserved kind does not count. */
function isDefinitelyAbsent(error: unknown, name: string): boolean {
  return error instanceof KubeError && error.reason === 'NotFound' && error.message.includes(`"${name}" not found`);
}
