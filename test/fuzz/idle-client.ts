import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from '../support/eventually';

/** File descriptor limit of the process, which holds ten thousand sockets. */
const OPEN_FILES = 20_000;
const OPEN_MS = 120_000;

/** Idle connections, held by a separate process. */
export class IdleClient {
  private counts: readonly [open: number, closed: number] | undefined;

  private constructor(private readonly child: ChildProcess) {
    createInterface(child.stdout!).on('line', (line) => {
      const [open = 0, closed = 0] = line.split(' ').map(Number);
      this.counts = [open, closed];
    });
  }

  /** Resolves when all connections are open or refused. */
  static async open(port: number, count: number, kind: 'tcp' | 'tls'): Promise<IdleClient> {
    const script = join(__dirname, 'idle-connections.mjs');
    const command = `ulimit -n ${OPEN_FILES}; exec node ${script} ${port} ${count} ${kind}`;
    const client = new IdleClient(spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] }));
    await eventually(() => client.counts !== undefined, OPEN_MS);
    return client;
  }

  get opened(): number {
    return this.counts?.[0] ?? 0;
  }

  get closed(): number {
    return this.counts?.[1] ?? 0;
  }

  async end(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}
