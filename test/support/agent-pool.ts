import { API_VERSION } from '@fsb/api/sandbox';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Pod, POD_KIND, POOL_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';

/** A pool whose agent Pods the test creates itself, in place of the pool-controller. */
export class AgentPool {
  private constructor(
    private readonly kube: KubeClient,
    readonly name: string,
    private readonly uid: string,
    private readonly namespace: string,
  ) {}

  static async make(
    kube: KubeClient,
    name: string,
    spec: SandboxPool['spec'],
    namespace = 'default',
  ): Promise<AgentPool> {
    const metadata = { name, namespace };
    const pool = await kube.create(POOL_KIND, { apiVersion: API_VERSION, kind: 'SandboxPool', metadata, spec });
    return new AgentPool(kube, name, pool.metadata.uid ?? '', namespace);
  }

  /** An impostor: its Pods claim to belong to this pool, with another owner uid. */
  withUid(uid: string): AgentPool {
    return new AgentPool(this.kube, this.name, uid, this.namespace);
  }

  /** @returns the uid of the Pod. The Pod counts as running only after {@link setAddress}. */
  async addPod(name: string): Promise<string> {
    const { namespace } = this;
    const owner = { apiVersion: API_VERSION, kind: 'SandboxPool', name: this.name, uid: this.uid, controller: true };
    const pod: Pod = {
      metadata: {
        ...{ name, namespace, labels: { app: 'sandbox-agent', 'fast-sandbox.io/pool': this.name } },
        ownerReferences: [owner],
      },
      spec: { nodeName: 'node', containers: [{ name: 'agent', image: 'fast-sandbox/node-agent' }] },
    };
    return (await this.kube.create(POD_KIND, pod)).metadata.uid ?? '';
  }

  async setAddress(name: string, podIP: string): Promise<void> {
    const status = { phase: 'Running', podIP, conditions: [{ type: 'Ready', status: 'True' }] };
    await this.kube.patchStatus(POD_KIND, { namespace: this.namespace, name }, { status });
  }

  async deletePod(name: string): Promise<void> {
    await this.kube.delete(POD_KIND, { namespace: this.namespace, name }, { gracePeriodSeconds: 0 });
  }
}
