import { isApiError } from '@fsb/api/errors';
import { type Informer } from '@fsb/controller-runtime/informer';
import {
  type Kind,
  type KubeObject,
  type ObjectKey,
  type Pod,
  POD_KIND,
  SANDBOX_KIND,
} from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type LeaseWatch } from './lease-watch';
import { type AgentPresence, type ClaimedContainer, type Evidence, type ObjectPresence } from './orphan-policy';

const ASK_MS = 5_000;

/** What the cluster says of a container. Anything but an answer is `unknown`; "gone" and "absent" are always asked live. */
export class ClusterEvidence {
  constructor(
    private readonly client: KubeClient,
    private readonly pods: Informer<Pod>,
    private readonly adopter: LeaseWatch,
  ) {}

  async of(container: ClaimedContainer): Promise<Evidence> {
    const [agent, object] = await Promise.all([this.agent(container), this.object(container)]);
    return { agent, object, adopterHeldMs: this.adopter.heldMs() };
  }

  private async agent({ namespace, agentName, agentUid }: ClaimedContainer): Promise<AgentPresence> {
    if (agentUid === '' || agentName === '') return 'unknown';
    if (this.pods.list().some(({ metadata }) => metadata.uid === agentUid)) return 'present';
    const found = await this.ask(POD_KIND, { namespace, name: agentName });
    if (found === 'unknown') return 'unknown';
    return found !== 'absent' && found.uid === agentUid ? 'present' : 'gone';
  }

  private async object({ namespace, sandboxName }: ClaimedContainer): Promise<ObjectPresence> {
    if (sandboxName === '' || namespace === '') return 'unknown';
    return this.ask(SANDBOX_KIND, { namespace, name: sandboxName });
  }

  private async ask<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<ObjectPresence> {
    try {
      const { metadata } = await this.client.get(kind, key, { deadlineMs: ASK_MS });
      return metadata.uid === undefined ? 'unknown' : { uid: metadata.uid };
    } catch (error) {
      return isApiError(error, 'not_found') ? 'absent' : 'unknown';
    }
  }
}
