import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from '../support/eventually';

/** Of a process that holds ten thousand sockets. */
const OPEN_FILES = 20_000;
const OPEN_MS = 120_000;

/** Connections on which nothing is said, in a process of their own. */
export class IdleClient {
  private said: readonly [open: number, closed: number] | undefined;

  private constructor(private readonly child: ChildProcess) {
    createInterface(child.stdout!).on('line', (line) => {
      const [open = 0, closed = 0] = line.split(' ').map(Number);
      this.said = [open, closed];
    });
  }

  /** Resolves once all have been opened, or refused. */
  static async open(port: number, count: number, kind: 'tcp' | 'tls'): Promise<IdleClient> {
    const script = join(__dirname, 'idle-connections.mjs');
    const command = `ulimit -n ${OPEN_FILES}; exec node ${script} ${port} ${count} ${kind}`;
    const client = new IdleClient(spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] }));
    await eventually(() => client.said !== undefined, OPEN_MS);
    return client;
  }

  get opened(): number {
    return this.said?.[0] ?? 0;
  }

  get closed(): number {
    return this.said?.[1] ?? 0;
  }

  async end(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}
