import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { containerdCommand, containerdConfig } from '../../apps/standalone/src/supervisor/private-containerd';
import { SANDBOXES_CGROUP } from '@fsb/node/machine-names';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { eventually } from './eventually';

const run = promisify(execFile);
const CACHE = resolve(__dirname, '../../.cache');
const DISK = 'disk.ext4';
export const BUSYBOX = 'docker.io/library/busybox:latest';

/**
 * A real containerd with its own root, state and socket below `folder`. stop() also ends the containers that it ran.
 */
export class ContainerdProcess {
  private constructor(
    readonly folder: string,
    readonly socket: string,
    private child: ChildProcess,
  ) {}

  /** @param diskMb size in MiB of a file system for its root; absent: the root is a plain folder */
  static async start(diskMb?: number): Promise<ContainerdProcess> {
    // a short path: a UNIX socket's must stay below 108 characters; /var/tmp: overlayfs needs a real file system below
    const folder = mkdtempSync('/var/tmp/fsb-test-');
    const socket = join(folder, 'c.sock');
    writeFileSync(
      join(folder, 'config.toml'),
      containerdConfig({ root: join(folder, 'root'), state: join(folder, 'state'), socket }),
    );
    if (diskMb !== undefined) await mountDisk(folder, diskMb);
    await shareNetworkNamespaces();
    const process_ = new ContainerdProcess(folder, socket, launch(folder));
    await process_.ready();
    return process_;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Kills containerd alone; its shims and their containers keep running. */
  async kill(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  async restart(): Promise<void> {
    this.child = launch(this.folder);
    await this.ready();
  }

  async importBusybox(): Promise<void> {
    const archive = join(CACHE, 'busybox.tar');
    await run(resolve(__dirname, '../../scripts/demo-image.sh'), [archive]);
    await run('ctr', ['-a', this.socket, '-n', 'k8s.io', 'images', 'import', archive], { timeout: 60_000 });
  }

  async stop(): Promise<void> {
    const client = new ContainerdClient(this.socket);
    const runtime = new SandboxRuntime(client);
    for (const { id } of await runtime.list('').catch(() => [])) await runtime.remove(id).catch(() => undefined);
    client.close();
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
    for (const pid of shimsOf(this.socket)) process.kill(pid, 'SIGKILL');
    if (existsSync(join(this.folder, DISK))) await run('umount', ['--lazy', join(this.folder, 'root')]);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  private async ready(): Promise<void> {
    const client = new ContainerdClient(this.socket);
    await eventually(() => client.version(), 20_000).finally(() => {
      client.close();
    });
  }
}

/** Removes the cgroups that runc made for a test's sandboxes, and their parent, which runc leaves behind. */
export function removeCgroups(name: string): void {
  const hierarchies = readdirSync('/sys/fs/cgroup').map((entry) => join('/sys/fs/cgroup', entry, name));
  for (const folder of [join('/sys/fs/cgroup', name), ...hierarchies]) {
    for (const path of [join(folder, SANDBOXES_CGROUP), folder]) if (existsSync(path)) rmdirSync(path);
  }
}

/** Mounts a small ext4 file system as containerd's root. */
async function mountDisk(folder: string, mb: number): Promise<void> {
  await run('truncate', ['-s', `${mb}M`, join(folder, DISK)]);
  await run('mkfs.ext4', ['-q', join(folder, DISK)]);
  mkdirSync(join(folder, 'root'));
  await run('mount', ['-o', 'loop', join(folder, DISK), join(folder, 'root')]);
}

function launch(folder: string): ChildProcess {
  const { command, args } = containerdCommand(join(folder, 'config.toml'));
  const log = openSync(join(folder, 'containerd.log'), 'a');
  const child = spawn(command, args, { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  return child;
}

/**
 * Makes /run/netns a shared mount, as `ip netns add` does, so that later namespaces appear in containerd's mount
 * namespace.
 */
async function shareNetworkNamespaces(): Promise<void> {
  await run('ip', ['netns', 'add', `fsb-share-${process.pid}`]);
  await run('ip', ['netns', 'delete', `fsb-share-${process.pid}`]);
}

function shimsOf(socket: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return command[0]?.includes('containerd-shim') === true && command.includes(socket);
    } catch {
      return false; // it ended meanwhile
    }
  });
}
