import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ChannelCredentials } from '@grpc/grpc-js';
import { KubeClient, loadKubeConfig } from '@fsb/controller-runtime/kube-client';
import { stringify } from 'yaml';
import { probe } from '../../../apps/standalone/src/probe';
import { makeCa, makeServerCertificate } from '@fsb/pki/certificates';
import { AgentPki } from '../../support/agent-pki';
import { freePort } from '../../support/free-port';
import { tokenCredentials } from '../../support/gateway-credentials';
import { Fleet } from '../fleet/fleet';
import { type Settings } from '../settings';
import { ServiceProcess } from './service-process';

/** Root of the checkout: the bundled program lies in dist/scale, or in .cache/bench. */
const ROOT = resolve(__dirname, '../..');
const ROLES = { admin: 'admin', 'fastpath-gateway': 'gateway', 'sandbox-controller': '', 'pool-controller': '' };
export type ServiceName = 'apiserver' | 'fastpath-gateway' | 'sandbox-controller' | 'pool-controller';

/** The real API server, gateway and controllers, with their own folders and ports, and the simulated agents. */
export class Cluster {
  private constructor(
    readonly folder: string,
    readonly services: Readonly<Record<ServiceName, ServiceProcess>>,
    readonly fleet: Fleet,
    readonly kube: KubeClient,
    private readonly gateway: Pick<Definitions, 'ports' | 'credentials'>,
  ) {}

  static async start(settings: Settings): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), 'fsb-scale-'));
    const services = await definitions(folder, settings);
    const { ports } = services;
    await services.apiserver.start();
    const fleet = await Fleet.start(__filename, {
      ...{ kubeconfig: join(folder, 'admin.kubeconfig'), tlsDir: services.pki.agents },
      ...{ port: ports.agent, slots: settings.slots },
    });
    const { apiserver, gateway, sandboxes, pools } = services;
    await Promise.all([gateway, sandboxes, pools].map((service) => service.start()));
    const kube = new KubeClient(loadKubeConfig(join(folder, 'admin.kubeconfig')), 'scale');
    const byName = { 'fastpath-gateway': gateway, 'sandbox-controller': sandboxes, 'pool-controller': pools };
    return new Cluster(folder, { apiserver, ...byName }, fleet, kube, services);
  }

  get all(): readonly ServiceProcess[] {
    return Object.values(this.services);
  }

  /** host:port of the gateway. */
  get endpoint(): string {
    return `127.0.0.1:${this.gateway.ports.grpc}`;
  }

  /** gRPC credentials of the admin. */
  get credentials(): ChannelCredentials {
    return this.gateway.credentials;
  }

  get kubeconfig(): string {
    return join(this.folder, 'admin.kubeconfig');
  }

  async stop(): Promise<void> {
    await this.kube.close();
    const { apiserver, ...others } = this.services;
    await Promise.all(Object.values(others).map((service) => service.end('SIGTERM')));
    await this.fleet.stop();
    await apiserver.end('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface Definitions {
  readonly apiserver: ServiceProcess;
  readonly gateway: ServiceProcess;
  readonly sandboxes: ServiceProcess;
  readonly pools: ServiceProcess;
  readonly credentials: ChannelCredentials;
  readonly pki: { readonly agents: string };
  readonly ports: { readonly agent: number; readonly grpc: number };
}

async function definitions(folder: string, { profile, leaderElect }: Settings): Promise<Definitions> {
  const node = profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profile];
  const at = (name: string): string => join(folder, name);
  const [api, agent, grpc] = [await freePort(), await freePort(), await freePort()];
  const pki = await AgentPki.make(at('agent-pki'));
  const { ca, adminToken } = await credentialsIn(folder, `https://127.0.0.1:${api}`);
  const service = async (name: string, more: readonly string[] = []): Promise<ServiceProcess> => {
    const http = `127.0.0.1:${await freePort()}`;
    const args = [
      ...[...node, join(ROOT, `dist/apps/${name}/src/main.js`), '--kubeconfig', at(`${name}.kubeconfig`)],
      ...['--health-probe-bind-address', http, '--metrics-bind-address', http],
      ...['--agent-port', String(agent), ...more],
    ];
    return new ServiceProcess({
      name,
      args,
      log: at(`${name}.log`),
      http,
      health: () => probe(`http://${http}/readyz`),
    });
  };
  const apiserver = new ServiceProcess({
    name: 'apiserver',
    args: [
      ...[...node, join(ROOT, 'dist/apps/standalone/src/main.js'), 'apiserver', '--bind-address', `127.0.0.1:${api}`],
      ...['--db', at('db'), '--token-file', at('tokens.json'), '--tls-cert-file', at('tls.crt')],
      ...['--tls-key-file', at('tls.key'), '--crds', join(ROOT, 'k8s/crds'), '--pod-log-dir', at('pods')],
    ],
    log: at('apiserver.log'),
    health: () => probe(`https://127.0.0.1:${api}/readyz`, { ca }),
  });
  return {
    apiserver,
    gateway: await service('fastpath-gateway', [
      ...['--agent-tls-dir', pki.clientDir, '--grpc-bind-address', `127.0.0.1:${grpc}`],
      ...['--tls-cert-file', at('tls.crt'), '--tls-key-file', at('tls.key'), '--audit-log-path', at('audit.log')],
    ]),
    credentials: tokenCredentials(Buffer.from(ca), adminToken),
    sandboxes: await service('sandbox-controller', ['--leader-elect', leaderElect, '--agent-tls-dir', pki.clientDir]),
    pools: await service('pool-controller', [
      ...['--leader-elect', leaderElect, '--agent-ca-cert-file', join(pki.folder, 'ca.crt')],
      ...['--agent-ca-key-file', join(pki.folder, 'ca.key')],
    ]),
    ports: { agent, grpc },
    pki: { agents: await pki.agentDir('*') },
  };
}

async function credentialsIn(folder: string, server: string): Promise<{ ca: string; adminToken: string }> {
  const ca = await makeCa();
  const { cert, key } = await makeServerCertificate(ca, ['127.0.0.1']);
  const tokens = Object.entries(ROLES).map(([user, role]) => {
    return { token: randomBytes(16).toString('hex'), user, role: role === '' ? user : role };
  });
  const files: Record<string, string> = {
    ...{ 'tls.crt': cert, 'tls.key': key, 'tokens.json': JSON.stringify(tokens) },
  };
  const caData = Buffer.from(ca.cert).toString('base64');
  for (const { user, token } of tokens) {
    files[`${user}.kubeconfig`] = stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'scale' },
      clusters: [{ name: 'scale', cluster: { server, 'certificate-authority-data': caData } }],
      users: [{ name: user, user: { token } }],
      contexts: [{ name: 'scale', context: { cluster: 'scale', user } }],
    });
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return { ca: ca.cert, adminToken: tokens.find(({ user }) => user === 'admin')?.token ?? '' };
}
