import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '@fsb/api/errors';
import { type Layout, files, layoutOf } from '../../apps/standalone/src/layout';
import { freePorts } from '../support/free-port';

const run = promisify(execFile);
const ROOT = resolve(__dirname, '../..');
const STANDALONE = join(ROOT, 'dist/apps/standalone/src/main.js');
const ARCHIVE = join(ROOT, '.cache/busybox.tar');
const COMMAND_MS = 180_000;
const REPLICAS = 2;
/** Between the gRPC ports of one replica and the next. */
const GRPC_STEP = 100;
/** API, proxy, gRPC, from the tenth on the probes, and the second gRPC. */
const PORTS = 10 + GRPC_STEP;

/** A one-machine stack of this run's own: folders, ports, containerd, bridge. Its services reach the API through a proxy. */
export class ChaosStack {
  readonly layout: Layout;

  private constructor(
    readonly root: string,
    readonly endpoints: readonly string[],
    readonly apiAddress: string,
    readonly proxyPort: number,
    private readonly flags: readonly string[],
  ) {
    this.layout = layoutOf(root);
  }

  /** Nothing runs yet. */
  static async prepare(): Promise<ChaosStack> {
    const root = mkdtempSync('/var/tmp/fsb-chaos-');
    const first = await freePorts(PORTS);
    const [apiAddress, proxyPort, grpcPort] = [`127.0.0.1:${first}`, first + 1, first + 2];
    const endpoints = Array.from({ length: REPLICAS }, (_, i) => `127.0.0.1:${grpcPort + i * GRPC_STEP}`);
    const flags = [
      ...['--root', root, '--containerd', 'private', '--grpc-address', `127.0.0.1:${grpcPort}`],
      ...['--api-address', apiAddress, '--port-base', String(first + 10)],
      ...['--replicas', String(REPLICAS), '--api-advertise', `127.0.0.1:${proxyPort}`],
    ];
    return new ChaosStack(root, endpoints, apiAddress, proxyPort, flags);
  }

  /** Starts what does not run. */
  async up(): Promise<void> {
    await this.standalone('up', ...this.flags);
  }

  async importImage(): Promise<void> {
    await run(join(ROOT, 'scripts/demo-image.sh'), [ARCHIVE]);
    await this.ctr('images', 'import', ARCHIVE);
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

  /** Ends everything; the folders stay where `keep`, for whoever looks for the cause. */
  async end(keep: boolean): Promise<void> {
    await this.standalone('down', '--root', this.root).catch(() => this.standalone('down', '--root', this.root));
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
