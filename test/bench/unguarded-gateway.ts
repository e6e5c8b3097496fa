import { join, resolve } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { probe } from '../../apps/standalone/src/probe';
import { ServiceProcess } from '../scale/stack/service-process';
import { freePort } from '../support/free-port';
import { GatewayClient } from '../support/gateway-client';
import { type Stack } from '../support/stack';

const MAIN = resolve(__dirname, '../../dist/apps/fastpath-gateway/src/main.js');

/** A further gateway of a stack, with the plaintext wire of the Go predecessor. */
export class UnguardedGateway {
  private constructor(
    readonly client: GatewayClient,
    private readonly service: ServiceProcess,
  ) {}

  static async start({ root }: Stack): Promise<UnguardedGateway> {
    const [endpoint, http] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const service = new ServiceProcess({
      name: 'unguarded gateway',
      args: [
        ...['--max-semi-space-size=32', MAIN, '--insecure-plaintext', '--grpc-bind-address', endpoint],
        ...['--kubeconfig', join(root, 'state/kubeconfigs/fastpath-gateway.yaml')],
        ...['--agent-tls-dir', join(root, 'state/agent-clients/fastpath-gateway')],
        ...['--health-probe-bind-address', http, '--metrics-bind-address', http],
      ],
      log: join(root, 'log/unguarded-gateway.log'),
      health: () => probe(`http://${http}/readyz`),
    });
    await service.start();
    return new UnguardedGateway(new GatewayClient(1, endpoint, credentials.createInsecure()), service);
  }

  async end(): Promise<void> {
    this.client.close();
    await this.service.end('SIGTERM');
  }
}
