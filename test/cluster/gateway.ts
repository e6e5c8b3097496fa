import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ChannelCredentials } from '@grpc/grpc-js';
import { type Answer, attempt, checked } from '../support/command';
import { tokenCredentials } from '../support/gateway-credentials';
import { type KubernetesCluster } from '../support/kubernetes-cluster';

const FSB_CTL = resolve(__dirname, '../../bin/fsb-ctl');
export const SYSTEM = 'fast-sandbox-system';
const NAME = 'fastpath-gateway';

/** fsb-ctl with the rights of one account. */
export interface Caller {
  readonly run: (...args: string[]) => Promise<string>;
  readonly attempt: (...args: string[]) => Promise<Answer>;
}

/** The gateway's Service as callers outside the cluster reach it: an address, a CA, and tokens of service accounts. */
export class Gateway {
  private constructor(
    private readonly cluster: KubernetesCluster,
    readonly endpoint: string,
    private readonly ca: Buffer,
    private readonly caFile: string,
  ) {}

  /** Exposes the Service on a port of the node. */
  static async open(cluster: KubernetesCluster, node: string, folder: string): Promise<Gateway> {
    const of = ['-n', SYSTEM, '-o'];
    await cluster.kubectl('patch', 'service', NAME, '-n', SYSTEM, '-p', JSON.stringify({ spec: { type: 'NodePort' } }));
    const port = await cluster.kubectl('get', 'service', NAME, ...of, 'jsonpath={.spec.ports[0].nodePort}');
    const encoded = await cluster.kubectl('get', 'secret', `${NAME}-tls`, ...of, 'jsonpath={.data.ca\\.crt}');
    const ca = Buffer.from(encoded, 'base64');
    const caFile = join(folder, 'gateway-ca.crt');
    writeFileSync(caFile, ca);
    return new Gateway(cluster, `${node}:${port}`, ca, caFile);
  }

  /** A token of a service account in `default`, valid for one hour. */
  async token(account: string): Promise<string> {
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } };
    const path = `/api/v1/namespaces/default/serviceaccounts/${account}/token`;
    const { status, body } = await this.cluster.ask('POST', path, request);
    if (status !== 201) throw new Error(`no token for ${account}: ${body.message ?? status}`);
    return (body as unknown as { status: { token: string } }).status.token;
  }

  async credentials(account: string): Promise<ChannelCredentials> {
    return tokenCredentials(this.ca, await this.token(account));
  }

  as(token: string): Caller {
    const env = { FSB_ENDPOINT: this.endpoint, FSB_CA_FILE: this.caFile, FSB_TOKEN: token };
    return {
      run: (...args) => checked(FSB_CTL, args, { env }),
      attempt: (...args) => attempt(FSB_CTL, args, { env }),
    };
  }
}
