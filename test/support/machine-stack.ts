import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type KubeConfig } from '@kubernetes/client-node';
import { messageOf } from '@fsb/api/errors';
import { loadKubeConfig } from '@fsb/controller-runtime/kube-client';
import { type Layout, files, layoutOf } from '../../apps/standalone/src/layout';
import { identify, type ProcessIdentity } from '../../apps/standalone/src/process-identity';
import { freePorts } from './free-port';
import { KubernetesCluster } from './kubernetes-cluster';
import { WARM_FLAGS } from './waiting-containers';

const run = promisify(execFile);
const ROOT = resolve(__dirname, '../..');
const STANDALONE = join(ROOT, 'dist/apps/standalone/src/main.js');
const ARCHIVES = { 'demo-image': '.cache/busybox.tar', 'python-image': '.cache/python.tar' } as const;
const COMMAND_MS = 180_000;
const REPLICAS = 2;
/** Distance between the gRPC ports of two replicas. */
const GRPC_STEP = 100;
/** API, proxy and gRPC ports, the probe ports from offset 10, and the second gRPC port. */
const PORTS = 10 + GRPC_STEP;

export interface Addresses {
  /** host:port of each gateway */
  readonly gateways: readonly string[];
  /** host:port of the API server itself, bypassing the proxy */
  readonly api: string;
  readonly proxyPort: number;
}

export interface Tls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface StackShape {
  /** name prefix of the stack's folder below /var/tmp */
  readonly prefix: string;
  /** Services reach the API through a proxy on {@link Addresses.proxyPort}, which the run itself starts. */
  readonly proxied: boolean;
}

/**
 * The one-machine stack of one run: its own folders, ports, containerd and bridge, two gateways and two replicas of
 * each controller. The API server is our own, or a real Kubernetes one with FSB_TEST_KUBERNETES=1.
 */
export class MachineStack {
  readonly layout: Layout;

  private constructor(
    readonly root: string,
    readonly addresses: Addresses,
    private readonly flags: readonly string[],
    private readonly cluster: KubernetesCluster | undefined,
  ) {
    this.layout = layoutOf(root);
  }

  /** Chooses folder, ports and flags. Starts nothing, except the real Kubernetes API server. */
  static async prepare({ prefix, proxied }: StackShape): Promise<MachineStack> {
    const root = mkdtempSync(`/var/tmp/${prefix}`);
    const first = await freePorts(PORTS);
    const cluster = process.env['FSB_TEST_KUBERNETES'] === '1' ? await KubernetesCluster.start() : undefined;
    const [proxyPort, grpcPort] = [first + 1, first + 2];
    const api = `127.0.0.1:${cluster?.port ?? first}`;
    const gateways = Array.from({ length: REPLICAS }, (_, i) => `127.0.0.1:${grpcPort + i * GRPC_STEP}`);
    const flags = [
      ...['--root', root, '--containerd', 'private', '--grpc-address', `127.0.0.1:${grpcPort}`],
      ...['--port-base', String(first + 10), '--replicas', String(REPLICAS)],
      ...WARM_FLAGS,
      ...(cluster
        ? ['--kubeconfig', proxied ? through(proxyPort, cluster, root) : cluster.kubeconfig]
        : ['--api-address', api, ...(proxied ? ['--api-advertise', `127.0.0.1:${proxyPort}`] : [])]),
    ];
    return new MachineStack(root, { gateways, api, proxyPort }, flags, cluster);
  }

  /** Starts the processes that are not running. */
  async up(): Promise<void> {
    await this.standalone('up', ...this.flags);
  }

  /** Ends every process; objects, images and folders stay. */
  async down(): Promise<void> {
    await this.standalone('down', '--root', this.root);
  }

  /** @param name name of the script below scripts/ that writes the archive */
  async importImage(name: 'demo-image' | 'python-image'): Promise<void> {
    const archive = join(ROOT, ARCHIVES[name]);
    await run(join(ROOT, `scripts/${name}.sh`), [archive], { timeout: COMMAND_MS });
    await this.ctr('images', 'import', archive);
  }

  /** PEM files of the API server, which the proxy presents too. @throws before the stack's first start */
  get tls(): Tls {
    if (this.cluster) return this.cluster.tls;
    const pem = (name: string): string => readFileSync(files.pki(this.layout, name), 'utf8');
    return { ca: pem('ca.crt'), cert: pem('apiserver.crt'), key: pem('apiserver.key') };
  }

  /** Admin access to the API server, bypassing the proxy. */
  admin(): KubeConfig {
    const config = loadKubeConfig(this.cluster?.kubeconfig ?? files.kubeconfig(this.layout));
    config.clusters = config.clusters.map((cluster) => ({ ...cluster, server: `https://${this.addresses.api}` }));
    return config;
  }

  /** Process of the real API server; undefined while it restarts, or with our own, which the stack itself runs. */
  get apiserver(): ProcessIdentity | undefined {
    const pid = this.cluster?.pid;
    return pid === undefined ? undefined : identify(pid);
  }

  get installation(): string {
    return readFileSync(files.installation(this.layout), 'utf8').trim();
  }

  async ctr(...args: string[]): Promise<string> {
    const { stdout } = await run('ctr', ['-a', files.containerdSocket(this.layout), '-n', 'k8s.io', ...args], {
      timeout: COMMAND_MS,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  }

  /** Ends everything. @param keep leaves the folders for a diagnosis */
  async end(keep: boolean): Promise<void> {
    await this.standalone('down', '--root', this.root).catch(() => this.standalone('down', '--root', this.root));
    await this.cluster?.end();
    if (!keep) rmSync(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  private async standalone(...args: string[]): Promise<void> {
    try {
      await run('node', [STANDALONE, ...args], { timeout: COMMAND_MS, maxBuffer: 16 * 1024 * 1024 });
    } catch (error) {
      throw new Error(`standalone ${args[0] ?? ''}: ${messageOf(error)}`, { cause: error });
    }
  }
}

/** @returns path of a copy of the cluster's kubeconfig that points to the proxy */
function through(proxyPort: number, cluster: KubernetesCluster, root: string): string {
  const path = join(root, 'through-the-proxy');
  const text = readFileSync(cluster.kubeconfig, 'utf8').replace(`127.0.0.1:${cluster.port}`, `127.0.0.1:${proxyPort}`);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}
