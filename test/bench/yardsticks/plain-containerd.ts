import { join } from 'node:path';
import { type ContainerdClient } from '@fsb/containerd/containerd-client';
import { emptyContainer } from '@fsb/containerd/container-record';
import { type ImageInfo } from '@fsb/containerd/image-store';
import { buildSpec } from '@fsb/containerd/oci-spec';
import { absentIsFine } from '@fsb/containerd/runtime-errors';
import { SandboxTasks } from '@fsb/containerd/sandbox-tasks';
import { type OciSeccomp } from '@fsb/containerd/seccomp-profile';
import { SNAPSHOTTER } from '@fsb/containerd/snapshot-store';
import { COMMAND, type Yardstick } from './yardstick';
import { yardstickCgroup } from './yardstick-cgroup';

const SPEC_TYPE = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';

/** A minimal containerd client: runc, one shim per container, one call after the other. */
export class PlainContainerd implements Yardstick {
  readonly name = 'plain containerd';

  constructor(
    private readonly client: ContainerdClient,
    private readonly image: ImageInfo,
    private readonly folder: string,
    private readonly seccomp: OciSeccomp,
  ) {}

  async start(id: string): Promise<void> {
    const { client, image } = this;
    const key = `${id}-snapshot`;
    const { mounts } = await client.snapshots.prepare({
      ...{ snapshotter: SNAPSHOTTER, key, parent: image.chainId },
      labels: { 'containerd.io/gc.root': 'bench' }, // else containerd's GC removes it before the container refers to it
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
    return buildSpec({
      ...{ args: COMMAND, env: ['PATH=/bin'], workingDir: '/', hostname: id, limits: { pids: 1024 }, openFiles: 1024 },
      cgroupsPath: yardstickCgroup(id),
      seccomp: this.seccomp,
    });
  }
}
