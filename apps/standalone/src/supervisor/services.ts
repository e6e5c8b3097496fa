import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { appEntry, files, type Layout, NODE_FLAGS, PACKAGE_ROOT } from '../layout';
import { probe } from '../probe';
import { DEFAULT_PORT_BASE, hostAndPort, type Settings } from '../settings';
import { type Choice } from './choice';
import { containerdRefusal } from './containerd-choice';
import { type LivenessProbe } from './liveness';
import { containerdCommand } from './private-containerd';

export interface SupervisedService {
  readonly name: string;
  readonly command: readonly string[];
  /** build id of our code; absent: not our program */
  readonly build?: string;
  readonly env: NodeJS.ProcessEnv;
  /** between SIGTERM and SIGKILL; longer than the service's own limit */
  readonly graceMs: number;
  /** its addresses, as text for people */
  readonly address?: string;
  /** @returns undefined when it serves, else the reason it does not */
  readonly health: () => Promise<string | undefined>;
  /** Absent for containerd, whose calls may wait for a disk: a restart would abort creates and not help. */
  readonly alive?: LivenessProbe;
}

export interface ServicesContext {
  readonly layout: Layout;
  readonly settings: Settings;
  readonly choice: Choice;
  /** {@link buildId} that the services should run */
  readonly build: string;
}

/** runService ends within 25 s of SIGTERM. */
const GRACE_MS = 27_000;
/** Usual port of the gateway's metrics, for a stack with the default port base. */
const GATEWAY_METRICS_PORT = 9091;
/** Distance between the ports of one replica and the next; larger than the offsets of the first replicas. */
const PORTS_APART = 10;
/** Distance between the gRPC ports of gateways (9090, 9190). Not 1: the next port, 9091, is that of the metrics. */
const GRPC_PORTS_APART = 100;

/** All services of one machine, in the order in which they start. */
export function serviceDefinitions(context: ServicesContext): SupervisedService[] {
  const { layout, settings, choice } = context;
  const { portBase } = settings;
  const agents = (app: string): string[] => ['--agent-tls-dir', files.agentClient(layout, app)];
  const registries = ['--allowed-registries', settings.allowedRegistries];
  const containerd = ['--containerd-socket', choice.containerd.socket];
  const runtime = choice.runtime === undefined ? [] : ['--runtime-binary', choice.runtime.binary];
  // the stack's own API server has no quota controller that counts objects
  const counting = settings.kubeconfig === undefined ? ['--count-quota-objects=true'] : [];
  const row = (app: string, offset: number, args: readonly string[], replica = 1): SupervisedService => {
    return service(context, {
      name: replicaOf(app, replica),
      app,
      port: portBase + offset + PORTS_APART * (replica - 1),
      args,
    });
  };
  const replicated = Array.from({ length: settings.replicas }, (_, index) => index + 1).flatMap((replica) => [
    row(
      'pool-controller',
      2,
      [
        ...containerd,
        ...['--containerd-root', choice.containerd.root, ...runtime, '--agent-tls-dir', files.agentTls(layout)],
        ...['--agent-log-dir', layout.log, '--agent-run-dir', layout.run],
        ...['--agent-ca-cert-file', files.pki(layout, 'agent-ca.crt')],
        ...['--agent-ca-key-file', files.pki(layout, 'agent-ca.key')],
        ...['--agent-warm-containers', String(settings.warmContainers)],
        ...['--agent-allowed-registries', settings.allowedRegistries],
        ...['--agent-registry-addresses', settings.registryAddresses, '--agent-build', context.build],
      ],
      replica,
    ),
    row('sandbox-controller', 3, [...agents('sandbox-controller'), ...registries, ...counting], replica),
    gateway(context, replica, (args) =>
      row('fastpath-gateway', 4, [...agents('fastpath-gateway'), ...registries, ...args], replica),
    ),
  ]);
  return [
    ...(choice.containerd.private ? [privateContainerd(layout)] : []),
    ...(settings.kubeconfig === undefined ? [apiserver(context)] : []),
    service(context, {
      name: 'node',
      app: 'standalone',
      port: portBase + 1,
      args: [
        ...['--run-dir', files.pods(layout), '--log-dir', files.podLogs(layout), '--cni-dir', files.cni(layout)],
        ...['--subnet', choice.subnet, '--secret-dir', files.agentTls(layout)],
      ],
    }),
    ...replicated,
    row('janitor', 5, [
      ...[...containerd, '--node-name', hostname(), '--log-dir', layout.log, '--run-dir', layout.run],
      ...['--cni-dir', files.cni(layout)],
    ]),
  ];
}

function gateway(
  { layout, settings: { portBase, grpcAddress, insecurePlaintext } }: ServicesContext,
  replica: number,
  row: (args: readonly string[]) => SupervisedService,
): SupervisedService {
  const grpc = hostAndPort(grpcAddress);
  const address = `${grpc.host}:${grpc.port + GRPC_PORTS_APART * (replica - 1)}`;
  const metrics = `127.0.0.1:${replica === 1 ? gatewayMetricsPort(portBase) : portBase + 6 + PORTS_APART * (replica - 1)}`;
  const pki = (name: string): string => files.pki(layout, name);
  const tls = insecurePlaintext
    ? ['--insecure-plaintext']
    : ['--tls-cert-file', pki('gateway.crt'), '--tls-key-file', pki('gateway.key'), '--client-ca-file', pki('ca.crt')];
  const audit = ['--audit-log-path', join(files.audit(layout), `${replicaOf('gateway', replica)}.log`)];
  const definition = row(['--grpc-bind-address', address, '--metrics-bind-address', metrics, ...tls, ...audit]);
  return { ...definition, address: `gRPC on ${address}, metrics on ${metrics}` };
}

/** Name of a replica's process and of its audit log. Two processes would rename one log under each other. */
function replicaOf(name: string, replica: number): string {
  return replica === 1 ? name : `${name}-${replica}`;
}

function gatewayMetricsPort(portBase: number): number {
  return portBase === DEFAULT_PORT_BASE ? GATEWAY_METRICS_PORT : portBase + 6;
}

interface NestService {
  readonly name: string;
  /** app of its entry */
  readonly app: string;
  readonly port: number;
  readonly args: readonly string[];
}

function service(
  { layout, settings, build }: ServicesContext,
  { name, app, port, args }: NestService,
): SupervisedService {
  const probes = `127.0.0.1:${port}`;
  const identity = app === 'standalone' ? name : app;
  const kubeconfig =
    settings.kubeconfig === undefined ? files.kubeconfigOf(layout, identity) : files.kubeconfig(layout);
  const common = ['--kubeconfig', kubeconfig, '--health-probe-bind-address', probes];
  // one listener for both; a later flag wins: the gateway sets another address for its metrics
  const own = app === 'standalone' ? [name, ...common] : [...common, '--metrics-bind-address', probes];
  const traced =
    app === 'standalone' || !settings.otlpEndpoint ? [] : ['--otel-exporter-otlp-endpoint', settings.otlpEndpoint];
  return {
    name,
    command: [process.execPath, ...NODE_FLAGS, appEntry(app), ...own, ...traced, ...args],
    build,
    env: environment(),
    graceMs: GRACE_MS,
    health: () => probe(`http://${probes}/readyz`),
    alive: (limits) => probe(`http://${probes}/healthz`, limits),
  };
}

function apiserver({ layout, settings: { apiAddress }, build }: ServicesContext): SupervisedService {
  const url = `https://${apiAddress.replace(/^(0\.0\.0\.0)?:/, '127.0.0.1:')}`;
  const ca = (): string => readFileSync(files.pki(layout, 'ca.crt'), 'utf8');
  return {
    name: 'apiserver',
    command: [
      ...[process.execPath, appEntry('standalone'), 'apiserver'],
      ...['--bind-address', apiAddress, '--db', files.db(layout), '--token-file', files.tokens(layout)],
      ...['--tls-cert-file', files.pki(layout, 'apiserver.crt'), '--tls-key-file', files.pki(layout, 'apiserver.key')],
      ...['--crds', join(PACKAGE_ROOT, 'k8s/crds'), '--pod-log-dir', files.podLogs(layout)],
      ...['--audit-log-path', join(files.audit(layout), 'apiserver.log')],
    ],
    build,
    env: environment(),
    graceMs: GRACE_MS,
    address: `${url}, kubeconfig ${files.kubeconfig(layout)}`,
    health: () => probe(`${url}/readyz`, { ca: ca() }),
    alive: (limits) => probe(`${url}/healthz`, { ca: ca(), ...limits }),
  };
}

function privateContainerd(layout: Layout): SupervisedService {
  const { command, args } = containerdCommand(files.containerdConfig(layout));
  return {
    name: 'containerd',
    command: [command, ...args],
    env: { ...environment(), ...proxies() },
    graceMs: 10_000,
    address: files.containerdSocket(layout),
    health: () => containerdRefusal(files.containerdSocket(layout)),
  };
}

/** Not the caller's environment: every flag of the services is also an environment variable. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LANG: 'C.UTF-8' };
}

/** Proxy settings of the caller, with which containerd reaches registries. */
function proxies(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^(https?|no|all)_proxy$|^SSL_CERT_(FILE|DIR)$/i.test(name)),
  );
}
