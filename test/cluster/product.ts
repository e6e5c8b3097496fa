import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ChannelCredentials } from '@grpc/grpc-js';
import { ContainerLabels } from '@fsb/api/labels';
import { type Answer, attempt, checked } from '../support/command';
import { containerRecords, sandboxIds } from '../support/container-list';
import { eventually } from '../support/eventually';
import { tokenCredentials } from '../support/gateway-credentials';
import { ClusterNode, DEMO_IMAGE } from './cluster-node';

const ROOT = resolve(__dirname, '../..');
const FSB_CTL = join(ROOT, 'bin/fsb-ctl');
const DEPLOY_MS = 300_000;
/** the others are the kubelet's */
const OURS = `labels."${ContainerLabels.managed}"==true`;
export const SYSTEM = 'fast-sandbox-system';

/** The product on a real Kubernetes, as its users see it: kubectl, and the gateway through its Service. */
export class Product {
  private constructor(
    readonly node: ClusterNode,
    /** of the gateway's Service, from outside of the cluster */
    readonly endpoint: string,
    private readonly caFile: string,
    private readonly ca: Buffer,
  ) {}

  /** On a cluster of its own. */
  static async start(): Promise<Product> {
    const archive = (await checked(join(ROOT, 'scripts/images.sh'), [])).trimEnd().split('\n').at(-1) ?? '';
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
    const { kubeconfig } = node.cluster;
    const env = { KUBECONFIG: kubeconfig, GATEWAY_NAMES: node.address };
    await checked('make', ['-C', ROOT, 'deploy'], { env, timeoutMs: DEPLOY_MS });
    const outside = JSON.stringify({ spec: { type: 'NodePort' } });
    await node.cluster.kubectl('patch', 'service', 'fastpath-gateway', '-n', SYSTEM, '-p', outside);
    const [port, ca] = await Promise.all([
      node.cluster.kubectl(
        'get',
        'service',
        'fastpath-gateway',
        '-n',
        SYSTEM,
        '-o',
        'jsonpath={.spec.ports[0].nodePort}',
      ),
      node.cluster.kubectl('get', 'secret', 'fastpath-gateway-tls', '-n', SYSTEM, '-o', 'jsonpath={.data.ca\\.crt}'),
    ]);
    const caFile = `${kubeconfig}-gateway-ca.crt`;
    writeFileSync(caFile, Buffer.from(ca, 'base64'));
    return new Product(node, `${node.address}:${port}`, caFile, Buffer.from(ca, 'base64'));
  }

  kubectl(...args: string[]): Promise<string> {
    return this.node.cluster.kubectl(...args);
  }

  /** @param manifest an object, or several */
  async apply(...manifests: object[]): Promise<void> {
    const list = { apiVersion: 'v1', kind: 'List', items: manifests };
    const args = ['--kubeconfig', this.node.cluster.kubeconfig, 'apply', '-f', '-'];
    await checked('kubectl', args, { stdin: JSON.stringify(list) });
  }

  /** A short-lived token of a service account in `default`. */
  async token(account: string): Promise<string> {
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } };
    const path = `/api/v1/namespaces/default/serviceaccounts/${account}/token`;
    const { body } = await this.node.cluster.ask('POST', path, request);
    return (body as { status?: { token?: string } }).status?.token ?? '';
  }

  /** @param token of whoever calls */
  credentials(token: string): ChannelCredentials {
    return tokenCredentials(this.ca, token);
  }

  /** fsb-ctl as somebody. */
  as(token: string): Caller {
    const env = { FSB_ENDPOINT: this.endpoint, FSB_CA_FILE: this.caFile, FSB_TOKEN: token };
    return {
      run: (...args) => checked(FSB_CTL, args, { env }),
      attempt: (...args) => attempt(FSB_CTL, args, { env }),
    };
  }

  /** One field of an object in `default`, empty where it is absent. */
  field(kind: string, name: string, path: string): Promise<string> {
    return this.kubectl('get', kind, name, '--ignore-not-found', '-o', `jsonpath={${path}}`);
  }

  /** ids of the sandboxes that have a container on the node */
  async sandboxes(): Promise<string[]> {
    return sandboxIds(await containerRecords(this.node.containerdSocket, [OURS]));
  }

  whenReady(pool: string, pods: number): Promise<unknown> {
    const check = async (): Promise<boolean> =>
      (await this.field('sandboxpool', pool, '.status.readyPods')) === String(pods);
    return eventually(check, DEPLOY_MS, 300);
  }
}

export interface Caller {
  readonly run: (...args: string[]) => Promise<string>;
  readonly attempt: (...args: string[]) => Promise<Answer>;
}
