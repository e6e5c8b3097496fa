import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ContainerLabels, installationLabels } from '@fsb/api/labels';
import { type ContainerdClient } from '@fsb/containerd/containerd-client';
import { labelFilter } from '@fsb/containerd/label-filter';
import { absentIsFine } from '@fsb/containerd/runtime-errors';
import { type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { SnapshotStore, SNAPSHOTTER } from '@fsb/containerd/snapshot-store';
import { runFolders } from '@fsb/node/node-folders';
import { sandboxOfKeptLog } from '@fsb/node/sandbox-log-files';
import { z } from 'zod';
import { type JanitorConfig } from '../janitor.config';
import { type ClusterEvidence } from '../sweep/cluster-evidence';
import { type NodeOrphan, type OrphanSource } from './node-orphan';
import { runtimeOrphans, type RuntimeWorld } from './runtime-plan';
import { filesIn, idIn, isSoleInstallation, removePath } from './sandbox-files';

const Owner = z.object({ namespace: z.string(), name: z.string(), uid: z.string() });

/** Agent in a record made for a task without one. If the removal is cut off, the record is an orphan container. */
const NOBODY = 'nobody';

/** Orphans among containerd's snapshots and tasks, and among the sandboxes' logs, folders and FIFOs. */
export class RuntimeSource implements OrphanSource {
  constructor(
    private readonly config: JanitorConfig,
    private readonly client: ContainerdClient,
    private readonly runtime: SandboxRuntime,
    private readonly evidence: ClusterEvidence,
  ) {}

  async find(installation: string): Promise<NodeOrphan[]> {
    const filter = labelFilter(installationLabels(installation));
    // containers are listed last: everything listed before that has a container is then seen to have it
    const snapshots = await new SnapshotStore(this.client).list(filter);
    const { tasks } = await this.client.tasks.list({ filter: '' });
    const files = (await isSoleInstallation(this.config.runDir, installation)) ? await this.files() : [];
    const containers = (await this.runtime.list('')).flatMap(({ id, labels }) => [
      id,
      labels[ContainerLabels.id] ?? id,
    ]);
    return runtimeOrphans({
      kept: await this.kept(files),
      containers: new Set(containers),
      tasks: tasks.map(({ containerId, id }) => containerId || id),
      snapshots: snapshots.map(({ name, labels }) => ({ key: name, labels })),
      files,
    });
  }

  async remove({ kind, name }: NodeOrphan): Promise<void> {
    if (kind === 'snapshot') {
      await absentIsFine(this.client.snapshots.remove({ snapshotter: SNAPSHOTTER, key: name }));
    } else if (kind === 'task') await this.removeTask(name);
    else await removePath(name);
  }

  /** Ids of the logs that agents keep for objects; the record beside each log names its object. */
  private async kept(files: RuntimeWorld['files']): Promise<ReadonlySet<string>> {
    const kept = new Set<string>();
    for (const { path, id } of files) {
      if (sandboxOfKeptLog(basename(path)) === undefined) continue;
      const owner = Owner.safeParse(await parsed(path));
      // an unreadable record names no owner
      if (owner.success && (await this.evidence.mayHaveObject(owner.data))) kept.add(id);
    }
    return kept;
  }

  private async files(): Promise<RuntimeWorld['files']> {
    const { logDir, runDir } = this.config;
    const folders = [
      { kind: 'log', files: await filesIn(logDir, idIn.log) },
      { kind: 'folder', files: await filesIn(runFolders.sandboxes(runDir), idIn.folder) },
      { kind: 'fifo', files: await filesIn(join(runDir, 'fifo'), idIn.fifo) },
    ] as const;
    return folders.flatMap(({ kind, files }) => files.map((file) => ({ ...file, kind })));
  }

  /** Writes a record for the task first: containerd ends a task only through its container's record. */
  private async removeTask(id: string): Promise<void> {
    const labels = {
      ...installationLabels(await this.evidence.installation()),
      ...{ [ContainerLabels.agentName]: NOBODY, [ContainerLabels.agentUid]: NOBODY, [ContainerLabels.id]: id },
      [ContainerLabels.namespace]: NOBODY,
    };
    await this.runtime.recreateRecord(id, labels);
    await this.runtime.remove(id);
  }
}

async function parsed(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch {
    return undefined; // removed meanwhile, or not written by an agent
  }
}
