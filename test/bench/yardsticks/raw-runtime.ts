import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { COMMAND, type Yardstick } from './yardstick';
import { yardstickCgroup } from './yardstick-cgroup';

const run = promisify(execFile);

export interface RawRuntimeOptions {
  readonly binary: 'crun' | 'runc';
  /** an unpacked image, shared read-only */
  readonly rootfs: string;
  /** folder for bundles and state */
  readonly folder: string;
  readonly seccomp: object;
  /**
   * pid whose mount namespace it runs in: crun refuses a machine with both cgroup versions, and containerd's has only
   * v1
   */
  readonly containerd: number;
}

/** The OCI runtime alone: no snapshot, no shim, no daemon. The rest of the time is the kernel's. */
export class RawRuntime implements Yardstick {
  readonly name: string;

  constructor(private readonly options: RawRuntimeOptions) {
    this.name = `raw ${options.binary}`;
  }

  async start(id: string): Promise<void> {
    const bundle = join(this.options.folder, 'bundles', id);
    mkdirSync(bundle, { recursive: true });
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(this.spec(id)));
    await this.runtime('run', '--detach', '--bundle', bundle, id);
  }

  async remove(id: string): Promise<void> {
    await this.runtime('delete', '--force', id);
  }

  private async runtime(...args: string[]): Promise<void> {
    const { binary, folder, containerd } = this.options;
    // with pipes for output, execFile would wait for the end of the container
    const command = `exec ${binary} --root ${join(folder, binary)} "$@" >/dev/null 2>${join(folder, `${binary}.log`)} </dev/null`;
    await run('nsenter', ['-t', String(containerd), '-m', 'sh', '-c', command, binary, ...args], { timeout: 60_000 });
  }

  private spec(id: string): object {
    const mount = (destination: string, type: string, options: string[]): object => ({ destination, type, source: type, options }); // prettier-ignore
    return {
      ociVersion: '1.0.2',
      process: { args: COMMAND, cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 }, noNewPrivileges: true },
      root: { path: this.options.rootfs, readonly: true },
      hostname: id,
      mounts: [
        mount('/proc', 'proc', ['nosuid', 'noexec', 'nodev']),
        mount('/dev', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
        mount('/dev/pts', 'devpts', ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620']),
        mount('/sys', 'sysfs', ['nosuid', 'noexec', 'nodev', 'ro']),
      ],
      linux: {
        cgroupsPath: yardstickCgroup(id),
        resources: { pids: { limit: 1024 } },
        seccomp: this.options.seccomp,
        namespaces: ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type })),
      },
    };
  }
}
