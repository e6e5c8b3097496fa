import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port';

const run = promisify(execFile);
const ROOT = resolve(__dirname, '../..');
const STANDALONE = join(ROOT, 'dist/apps/standalone/src/main.js');
const ARCHIVE = join(ROOT, '.cache/busybox.tar');
/** Far above any single command here; a first start on two busy cores takes half of it. */
const COMMAND_MS = 120_000;

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessRow {
  readonly name: string;
  readonly pid: number;
  readonly state: string;
}

/** A whole one-machine stack with folders, ports, containerd and network of its own: it runs beside any other. */
export class Stack {
  private constructor(
    readonly root: string,
    private readonly flags: readonly string[],
    readonly endpoint: string,
  ) {}

  static async start(): Promise<Stack> {
    const root = mkdtempSync('/var/tmp/fsb-e2e-');
    const endpoint = `127.0.0.1:${await freePort()}`;
    const flags = [
      ...['--root', root, '--containerd', 'private', '--grpc-address', endpoint],
      ...['--api-address', `127.0.0.1:${await freePort()}`, '--port-base', String(await freeRange())],
    ];
    const stack = new Stack(root, flags, endpoint);
    await stack.up();
    await run(join(ROOT, 'scripts/demo-image.sh'), [ARCHIVE]);
    await stack.ctr('images', 'import', ARCHIVE);
    return stack;
  }

  get kubeconfig(): string {
    return join(this.root, 'state/kubeconfig');
  }

  get containerdSocket(): string {
    const choice = JSON.parse(readFileSync(join(this.root, 'state/choice.json'), 'utf8')) as {
      containerd: { socket: string };
    };
    return choice.containerd.socket;
  }

  up(): Promise<string> {
    return this.standalone('up');
  }

  async status(): Promise<ProcessRow[]> {
    return JSON.parse(await this.standalone('status', '-o', 'json')) as ProcessRow[];
  }

  /** Ends everything and removes the folders too. */
  async end(): Promise<void> {
    await this.standalone('down');
    rmSync(this.root, { recursive: true, force: true });
  }

  down(): Promise<string> {
    return this.standalone('down');
  }

  /** @throws with the output where kubectl fails */
  kubectl(...args: string[]): Promise<string> {
    return checked('kubectl', ['--kubeconfig', this.kubeconfig, ...args]);
  }

  tryKubectl(args: readonly string[], stdin = ''): Promise<Answer> {
    return attempt('kubectl', ['--kubeconfig', this.kubeconfig, ...args], stdin);
  }

  fsbCtl(...args: string[]): Promise<string> {
    return checked(join(ROOT, 'bin/fsb-ctl'), ['--endpoint', this.endpoint, ...args]);
  }

  tryFsbCtl(...args: string[]): Promise<Answer> {
    return attempt(join(ROOT, 'bin/fsb-ctl'), ['--endpoint', this.endpoint, ...args]);
  }

  ctr(...args: string[]): Promise<string> {
    return checked('ctr', ['-a', this.containerdSocket, '-n', 'k8s.io', ...args]);
  }

  async containers(): Promise<string[]> {
    return (await this.ctr('containers', 'ls', '-q')).split('\n').filter(Boolean);
  }

  private async standalone(command: string, ...more: string[]): Promise<string> {
    const flags = command === 'up' ? this.flags : ['--root', this.root];
    try {
      return await checked('node', [STANDALONE, command, ...flags, ...more]);
    } catch (error) {
      throw new Error(`${String(error)}\n${this.tailOfLogs()}`, { cause: error });
    }
  }

  private tailOfLogs(): string {
    const folder = join(this.root, 'log');
    return existsSync(folder) ? execFileSync('sh', ['-c', `tail -n 5 ${folder}/*.log`], { encoding: 'utf8' }) : '';
  }
}

async function checked(command: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await attempt(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}

function attempt(command: string, args: readonly string[], stdin = ''): Promise<Answer> {
  return new Promise((done) => {
    const child = execFile(
      command,
      args,
      { timeout: COMMAND_MS, maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        done({ code, stdout, stderr });
      },
    );
    child.stdin?.on('error', () => undefined); // it may have ended without reading
    child.stdin?.end(stdin);
  });
}

/** The first of a dozen ports that were free together a moment ago: one for each process's probes. */
async function freeRange(): Promise<number> {
  return (await freePort()) - 12;
}
