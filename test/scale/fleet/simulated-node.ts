import { AGENT_POD_SELECTOR } from '@fsb/placement/agent-pod';
import { Controller } from '@fsb/controller-runtime/controller';
import { Informer } from '@fsb/controller-runtime/informer';
import { type Node, NODE_KIND, type Pod, POD_KIND, splitKey } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { isApiError } from '@fsb/api/errors';
import { type AgentDoor } from './agent-door';
import { SimulatedAgent } from './simulated-agent';

const NODE = 'simulated';
const AT_ONCE = 8;

interface Running {
  readonly uid: string;
  readonly address: string;
  readonly agent: SimulatedAgent;
  lost: boolean;
}

/**
 * The node of all simulated agents: gives each agent Pod an address, reports it as Running, and ends it when it is
 * deleted.
 */
export class SimulatedNode {
  private readonly running = new Map<string, Running>();
  private readonly pods: Informer<Pod>;
  private readonly controller: Controller;
  private addresses = 0;

  constructor(
    private readonly client: KubeClient,
    private readonly door: AgentDoor,
    private readonly capacity: number,
  ) {
    this.pods = new Informer({ client, kind: POD_KIND, labelSelector: AGENT_POD_SELECTOR });
    const reconcile = (key: string): Promise<void> => this.follow(key);
    this.controller = new Controller({ reconcile }, { name: 'simulated-node', concurrency: AT_ONCE });
    this.pods.onChange((key) => {
      this.controller.queue.add(key);
    });
  }

  async start(): Promise<void> {
    const node: Node = { metadata: { name: NODE } };
    await this.client.create(NODE_KIND, node);
    await this.client.patchStatus(
      NODE_KIND,
      { name: NODE },
      { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
    );
    this.pods.start();
    this.controller.start();
  }

  async stop(): Promise<void> {
    await this.controller.stop(0);
    await this.pods.stop();
  }

  counts(): { agents: number; sandboxes: number; unbound: number } {
    const live = [...this.running.values()].filter(({ lost }) => !lost);
    return {
      agents: live.length,
      sandboxes: live.reduce((sum, { agent }) => sum + agent.size, 0),
      unbound: live.reduce((sum, { agent }) => sum + agent.unbound, 0),
    };
  }

  /** Loses the node of `count` agents: connections break and their Pods fail. @returns number of their sandboxes */
  async lose(count: number): Promise<number> {
    const victims = [...this.running].filter(([, { lost }]) => !lost).slice(0, count);
    let sandboxes = 0;
    for (const [, victim] of victims) {
      victim.lost = true;
      sandboxes += victim.agent.size;
      this.door.remove(victim.address);
    }
    for (const [key] of victims) {
      const status = { phase: 'Failed', reason: 'NodeLost', conditions: [{ type: 'Ready', status: 'False' }] };
      await this.client.patchStatus(POD_KIND, splitKey(key), { status });
    }
    return sandboxes;
  }

  private async follow(key: string): Promise<void> {
    const pod = this.pods.get(key);
    const known = this.running.get(key);
    if (!pod || pod.metadata.deletionTimestamp !== undefined) {
      if (known) this.end(key, known);
      if (pod) await this.remove(pod);
      return;
    }
    if (pod.spec?.nodeName === NODE && !known) await this.run(key, pod);
  }

  private async run(key: string, pod: Pod): Promise<void> {
    const { name = '', uid = '' } = pod.metadata;
    const agent = new SimulatedAgent({ name, uid, nodeName: NODE, capacity: this.capacity });
    const address = addressOf(this.addresses++);
    await this.door.add(address, agent);
    this.running.set(key, { uid, address, agent, lost: false });
    const status = { phase: 'Running', podIP: address, conditions: [{ type: 'Ready', status: 'True' }] };
    await this.client.patchStatus(POD_KIND, splitKey(key), { status });
  }

  private end(key: string, { address }: Running): void {
    this.door.remove(address);
    this.running.delete(key);
  }

  private async remove({ metadata: { namespace = '', name = '', uid = '' } }: Pod): Promise<void> {
    const now = { uid, gracePeriodSeconds: 0 };
    await this.client.delete(POD_KIND, { namespace, name }, now).catch((error: unknown) => {
      if (!isApiError(error, 'not_found')) throw error;
    });
  }
}

/** Addresses from 127.64.0.1 on: all of 127.0.0.0/8 is loopback. */
function addressOf(index: number): string {
  const [high, low] = [Math.floor(index / 250), (index % 250) + 1];
  return `127.${64 + Math.floor(high / 250)}.${high % 250}.${low}`;
}
