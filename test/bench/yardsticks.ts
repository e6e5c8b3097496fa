import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readFileSync } from 'node:fs';
import { type ContainerdClient } from '@fsb/containerd/containerd-client';
import { emptyContainer } from '@fsb/containerd/container-record';
import { type ImageInfo } from '@fsb/containerd/image-store';
import { buildSpec, CAPABILITIES } from '@fsb/containerd/oci-spec';
import { absentIsFine } from '@fsb/containerd/runtime-errors';
import { SandboxTasks } from '@fsb/containerd/sandbox-tasks';
import { type SeccompProfile, toOciSeccomp } from '@fsb/containerd/seccomp-profile';
import { SNAPSHOTTER } from '@fsb/containerd/snapshot-store';

const run = promisify(execFile);
const PROFILE = '/usr/share/containers/seccomp.json';
const SPEC_TYPE = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';
const COMMAND = ['/bin/sleep', '100000'];

/** A way to start a container that others use. */
export interface Yardstick {
  readonly name: string;
  /** @returns when the process runs */
  start(id: string): Promise<void>;
  remove(id: string): Promise<void>;
}

/** What a program on containerd does that takes no care: runc, a shim per container, one call after the other. */
export class PlainContainerd implements Yardstick {
  readonly name = 'plain containerd';
  private readonly seccomp = toOciSeccomp(
    JSON.parse(readFileSync(PROFILE, 'utf8')) as SeccompProfile,
    CAPABILITIES,
    process.arch,
  );

  constructor(
    private readonly client: ContainerdClient,
    private readonly image: ImageInfo,
    private readonly folder: string,
  ) {}

  async start(id: string): Promise<void> {
    const { client, image } = this;
    const key = `${id}-snapshot`;
    const { mounts } = await client.snapshots.prepare({
      ...{ snapshotter: SNAPSHOTTER, key, parent: image.chainId },
      labels: { 'containerd.io/gc.root': 'bench' }, // else its collector takes it before the container has it
    });
    const spec = { typeUrl: SPEC_TYPE, value: Buffer.from(JSON.stringify(this.spec(id))) };
    await client.containers.create({
      container: {
        ...{ ...emptyContainer(id), image: image.name, spec, snapshotter: SNAPSHOTTER, snapshotKey: key },
        runtime: { name: 'io.containerd.runc.v2', options: undefined },
      },
    });
    const log = `file://${join(this.folder, 'yardstick.log')}`;
    const task = { containerId: id, rootfs: mounts, stdin: '', stdout: log, stderr: log, options: undefined };
    await client.tasks.create(task);
    await client.tasks.start({ containerId: id });
  }

  async remove(id: string): Promise<void> {
    await new SandboxTasks(this.client, undefined).remove(id);
    await absentIsFine(this.client.containers.delete({ id }));
    await absentIsFine(this.client.snapshots.remove({ snapshotter: SNAPSHOTTER, key: `${id}-snapshot` }));
  }

  private spec(id: string): Record<string, unknown> {
    const file = '/etc/hostname'; // that of the machine will do
    return buildSpec({
      ...{ args: COMMAND, env: ['PATH=/bin'], workingDir: '/', hostname: id, limits: { pids: 1024 } },
      user: { uid: 0, gid: 0, additionalGids: [] },
      cgroupsPath: `/fsb-bench-${process.pid}/${id}`,
      seccomp: this.seccomp,
      files: { resolvConf: file, hosts: file, hostname: file },
    });
  }
}

/** containerd's own command. */
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
