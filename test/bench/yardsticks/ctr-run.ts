import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { COMMAND, type Yardstick } from './yardstick';

const run = promisify(execFile);

/** Starts through `ctr`, containerd's own command line. */
export class CtrRun implements Yardstick {
  readonly name = 'ctr run';

  constructor(
    private readonly socket: string,
    private readonly image: string,
  ) {}

  async start(id: string): Promise<void> {
    await this.ctr('run', '-d', this.image, id, ...COMMAND);
  }

  async remove(id: string): Promise<void> {
    await this.ctr('tasks', 'delete', '--force', id);
    await this.ctr('containers', 'delete', id);
  }

  private async ctr(...args: string[]): Promise<void> {
    await run('ctr', ['-a', this.socket, '-n', 'k8s.io', ...args], { timeout: 60_000 });
  }
}
