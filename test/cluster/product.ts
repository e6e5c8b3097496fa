import { join, resolve } from 'node:path';
import { ContainerLabels } from '@fsb/api/labels';
import { checked } from '../support/command';
import { containerRecords, sandboxIds, waitingIds } from '../support/container-list';
import { eventually } from '../support/eventually';
import { ClusterNode, DEMO_IMAGE } from './cluster-node';
import { type Caller, Gateway, SYSTEM } from './gateway';

const ROOT = resolve(__dirname, '../..');
const MAKE_MS = 300_000;
const READY_MS = 120_000;
/** containers of this product; the others belong to the kubelet */
const OURS = `labels."${ContainerLabels.managed}"==true`;

/** The product on a real Kubernetes, through the interfaces of its users: kubectl, and the gateway's Service. */
export class Product {
  private constructor(
    readonly node: ClusterNode,
    readonly gateway: Gateway,
    /** caller with the rights of k8s/samples/caller.yaml */
    readonly caller: Caller,
  ) {}

  /** Builds the images, starts a cluster and deploys the product on it. */
  static async start(): Promise<Product> {
    const archive =
      (await checked(join(ROOT, 'scripts/images.sh'), [], { timeoutMs: MAKE_MS })).trimEnd().split('\n').at(-1) ?? '';
    await checked(join(ROOT, 'scripts/demo-image.sh'), [DEMO_IMAGE]);
    const node = await ClusterNode.start([archive, DEMO_IMAGE]);
    try {
      return await Product.deploy(node);
    } catch (error) {
      const pods = await node.cluster.kubectl('describe', 'pods', '-n', SYSTEM).catch(String);
      await node.end();
      throw new Error(`the product was not deployed: ${String(error)}\n${pods}`, { cause: error });
    }
  }

  private static async deploy(node: ClusterNode): Promise<Product> {
    const { cluster, machine } = node;
    await make('deploy', cluster.kubeconfig, { GATEWAY_NAMES: machine.address });
    const gateway = await Gateway.open(cluster, machine.address, machine.folder);
    await cluster.kubectl('apply', '-f', 'k8s/samples/caller.yaml');
    return new Product(node, gateway, gateway.as(await gateway.token('sandbox-caller')));
  }

  async undeploy(): Promise<void> {
    await make('undeploy', this.node.cluster.kubeconfig);
  }

  kubectl(...args: string[]): Promise<string> {
    return this.node.cluster.kubectl(...args);
  }

  async apply(manifest: object): Promise<void> {
    const args = ['--kubeconfig', this.node.cluster.kubeconfig, 'apply', '-f', '-'];
    await checked('kubectl', args, { stdin: JSON.stringify(manifest) });
  }

  /** A field of an object in `default`; empty when object or field is absent. */
  field(kind: string, name: string, path: string): Promise<string> {
    return this.kubectl('get', kind, name, '--ignore-not-found', '-o', `jsonpath={${path}}`);
  }

  /** ids of the sandboxes that have a container on the node */
  async sandboxes(): Promise<string[]> {
    return sandboxIds(await containerRecords(this.node.containerdSocket, [OURS]));
  }

  /** containerd ids of the node's standby containers */
  async waiting(): Promise<string[]> {
    return waitingIds(await containerRecords(this.node.containerdSocket, [OURS]));
  }

  async whenReady(pool: string, agents: number): Promise<void> {
    const ready = (): Promise<string> => this.field('sandboxpool', pool, '.status.readyPods');
    await eventually(async () => expect(await ready()).toBe(String(agents)), READY_MS, 300);
  }
}

async function make(target: string, kubeconfig: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  await checked('make', ['-C', ROOT, target], { env: { KUBECONFIG: kubeconfig, ...env }, timeoutMs: MAKE_MS });
}
