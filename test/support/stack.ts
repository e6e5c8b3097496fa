import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type ChannelCredentials } from '@grpc/grpc-js';
import { type Answer, attempt, checked } from './command';
import { containerRecords, sandboxIds, waitingIds } from './container-list';
import { freePort, freePorts } from './free-port';
import { stackCredentials } from './gateway-credentials';
import { KubernetesCluster, type ProcessRow } from './kubernetes-cluster';
import { WARM_FLAGS } from './waiting-containers';

const run = promisify(execFile);
const ROOT = resolve(__dirname, '../..');
const ARCHIVE = join(ROOT, '.cache/busybox.tar');

/**
 * A whole one-machine stack with its own folders, ports, containerd and network, so that several can run side by side.
 */
export class Stack {
  private constructor(
    readonly root: string,
    private readonly flags: readonly string[],
    /** host:port of each gateway */
    readonly endpoints: readonly string[],
    /** a real API server in place of our own (make test-kube) */
    private readonly cluster: KubernetesCluster | undefined,
    /** folder of the sources whose build is started */
    private tree: string,
  ) {}

  /** @param more further flags of `standalone up` @param tree folder of the sources whose build is started */
  static async start(replicas = 1, more: readonly string[] = [], tree = ROOT): Promise<Stack> {
    const root = mkdtempSync('/var/tmp/fsb-e2e-');
    const endpoints = await gatewayEndpoints(replicas);
    const [endpoint = ''] = endpoints;
    const cluster = process.env['FSB_TEST_KUBERNETES'] === '1' ? await KubernetesCluster.start() : undefined;
    const flags = [
      ...['--root', root, '--containerd', 'private', '--grpc-address', endpoint],
      ...(cluster ? ['--kubeconfig', cluster.kubeconfig] : ['--api-address', `127.0.0.1:${await freePort()}`]),
      ...['--port-base', String(await freePorts(10 * replicas))],
      ...['--replicas', String(replicas)],
      ...WARM_FLAGS,
      ...more,
    ];
    const stack = new Stack(root, flags, endpoints, cluster, tree);
    try {
      await stack.up();
      await run(join(ROOT, 'scripts/demo-image.sh'), [ARCHIVE]);
      await stack.ctr('images', 'import', ARCHIVE);
      return stack;
    } catch (error) {
      await stack.end(); // the caller has no handle to end it
      throw error;
    }
  }

  get endpoint(): string {
    return this.endpoints[0] ?? '';
  }

  get kubeconfig(): string {
    return join(this.root, 'state/kubeconfig');
  }

  /** Client configuration that `up` wrote for fsb-ctl. */
  get clientConfig(): string {
    return join(this.root, 'state/fsb-ctl.json');
  }

  /** gRPC credentials of the admin. */
  get credentials(): ChannelCredentials {
    return stackCredentials(this.root);
  }

  get containerdSocket(): string {
    const choice = JSON.parse(readFileSync(join(this.root, 'state/choice.json'), 'utf8')) as {
      containerd: { socket: string };
    };
    return choice.containerd.socket;
  }

  /** @param more flags that override those of the start */
  up(...more: string[]): Promise<string> {
    return this.standalone('up', ...more);
  }

  /** Runs any command of `standalone`; a failure is an answer, not an error. */
  attempt(command: string, ...more: string[]): Promise<Answer> {
    return attempt('node', [this.main, command, '--root', this.root, ...more]);
  }

  /** Later commands use the build of `tree`. */
  use(tree: string): void {
    this.tree = tree;
  }

  /** Rows of `standalone status`. Its exit code is ignored: the rows say the same. */
  async status(): Promise<ProcessRow[]> {
    const { stdout } = await attempt('node', [this.main, 'status', '--root', this.root, '-o', 'json']);
    return [...(JSON.parse(stdout) as ProcessRow[]), ...(this.cluster ? [await this.cluster.row()] : [])];
  }

  async pid(name: string): Promise<number> {
    const row = (await this.status()).find((process_) => process_.name === name);
    if (row?.state !== 'running') throw new Error(`${name} does not run`);
    return row.pid;
  }

  /** @throws Error that names the unhealthy processes */
  async expectHealthy(): Promise<void> {
    const ill = (await this.status()).filter(({ health }) => health !== 'ok');
    if (ill.length > 0) throw new Error(ill.map(({ name, health }) => `${name}: ${health}`).join(', '));
  }

  /** Ends everything and removes the folders. */
  async end(): Promise<void> {
    await this.standalone('down');
    await this.cluster?.end();
    rmSync(this.root, { recursive: true, force: true });
  }

  down(): Promise<string> {
    return this.standalone('down');
  }

  /** @throws Error with the output when kubectl fails */
  kubectl(...args: string[]): Promise<string> {
    return checked('kubectl', ['--kubeconfig', this.kubeconfig, ...args]);
  }

  tryKubectl(args: readonly string[], stdin = ''): Promise<Answer> {
    return attempt('kubectl', ['--kubeconfig', this.kubeconfig, ...args], { stdin });
  }

  fsbCtl(...args: string[]): Promise<string> {
    return checked(join(ROOT, 'bin/fsb-ctl'), ['--config', this.clientConfig, ...args]);
  }

  tryFsbCtl(...args: string[]): Promise<Answer> {
    return attempt(join(ROOT, 'bin/fsb-ctl'), ['--config', this.clientConfig, ...args]);
  }

  ctr(...args: string[]): Promise<string> {
    return checked('ctr', ['-a', this.containerdSocket, '-n', 'k8s.io', ...args]);
  }

  /** ids of the sandboxes that have a container; a container that belongs to no sandbox appears under its own id */
  async containers(): Promise<string[]> {
    return sandboxIds(await containerRecords(this.containerdSocket));
  }

  /** containerd ids of the standby containers */
  async waiting(): Promise<string[]> {
    return waitingIds(await containerRecords(this.containerdSocket));
  }

  private get main(): string {
    return join(this.tree, 'dist/apps/standalone/src/main.js');
  }

  private async standalone(command: string, ...more: string[]): Promise<string> {
    const flags = command === 'up' ? this.flags : ['--root', this.root];
    try {
      return await checked('node', [this.main, command, ...flags, ...more]);
    } catch (error) {
      throw new Error(`${String(error)}\n${this.tailOfLogs()}`, { cause: error });
    }
  }

  private tailOfLogs(): string {
    const folder = join(this.root, 'log');
    return existsSync(folder) ? execFileSync('sh', ['-c', `tail -n 5 ${folder}/*.log`], { encoding: 'utf8' }) : '';
  }
}

/** Endpoints of the gateways, 100 ports apart as `--replicas` spaces them. */
async function gatewayEndpoints(replicas: number): Promise<string[]> {
  const first = await freePort();
  return Array.from({ length: replicas }, (_, replica) => `127.0.0.1:${first + 100 * replica}`);
}
