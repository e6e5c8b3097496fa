import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { COMMAND, type Yardstick } from './yardstick';

const run = promisify(execFile);

/** podman with runc, and a store of its own below `folder`. */
export class PodmanRun implements Yardstick {
  readonly name = 'podman run';

  private constructor(
    private readonly folder: string,
    private readonly image: string,
  ) {}

  /** @param archive Docker archive of the image @throws when podman is absent or cannot run here */
  static async prepare(folder: string, archive: string): Promise<PodmanRun> {
    const podman = new PodmanRun(join(folder, 'podman'), '');
    const loaded = await podman.podman('load', '--quiet', '--input', archive);
    return new PodmanRun(podman.folder, loaded.slice(loaded.lastIndexOf(': ') + 2).trim());
  }

  async start(id: string): Promise<void> {
    await this.podman(
      'run',
      '--detach',
      '--network=none',
      '--ulimit=nofile=1024:1024',
      '--ulimit=nproc=1024:1024',
      '--name',
      id,
      this.image,
      ...COMMAND,
    );
  }

  async remove(id: string): Promise<void> {
    await this.podman('rm', '--force', '--time=0', id);
  }

  /** Resets the store, which unmounts it. */
  async end(): Promise<void> {
    await this.podman('system', 'reset', '--force');
  }

  private async podman(...args: string[]): Promise<string> {
    const own = [
      '--root',
      join(this.folder, 'root'),
      '--runroot',
      join(this.folder, 'run'),
      '--tmpdir',
      join(this.folder, 'tmp'),
    ];
    const how = ['--runtime=runc', '--cgroup-manager=cgroupfs', '--events-backend=none', '--storage-driver=overlay'];
    return (await run('podman', [...own, ...how, ...args], { timeout: 60_000 })).stdout;
  }
}
