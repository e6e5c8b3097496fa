import { constants } from 'node:os';
import { ContainerLabels, installationLabels } from '@fsb/api/labels';
import { KeyedMutex } from '@fsb/component-base/keyed-mutex';
import { carriesLabels, labelFilter } from '@fsb/containerd/label-filter';
import { type ContainerRecord, type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type ClaimFiles } from '../standby/claim-files';
import { type AgentConfig } from '../agent.config';
import { Claim, type ClaimChange, mergedClaim } from './claim';

/** The claims of this agent's containers, in containerd. */
export class ClaimRecords {
  private readonly mutex = new KeyedMutex();

  constructor(
    private readonly runtime: SandboxRuntime,
    private readonly config: Pick<AgentConfig, 'installation' | 'podUid'>,
    private readonly files: Pick<ClaimFiles, 'recorded'>,
  ) {}

  /** Containers of this agent, selected by the Pod's uid: another Pod of the same name is another agent. */
  list(): Promise<ContainerRecord[]> {
    return this.runtime.list(this.ownFilter());
  }

  /** @param id of the sandbox @returns undefined where the container does not exist or belongs to another agent */
  async find(id: string): Promise<ContainerRecord | undefined> {
    const [record] = await this.runtime.list(`id==${JSON.stringify(id)}`, labelFilter({ [ContainerLabels.id]: id }));
    return record && this.isOwn(record) ? record : undefined;
  }

  /**
   * Merges a change into the claim. Read, merge and write are atomic, since an exit and a bind may be concurrent.
   * @returns the merged claim; undefined where this agent has no container with a valid claim
   */
  change(id: string, change: ClaimChange, labels: Readonly<Record<string, string>> = {}): Promise<Claim | undefined> {
    return this.mutex.run(id, async () => {
      await this.files.recorded(id);
      const record = await this.runtime.find(id);
      const before = Claim.safeParse(record?.claim);
      if (!record || !before.success || !this.isOwn(record)) return undefined;
      const claim = mergedClaim(before.data, change);
      await this.runtime.claim(id, labels, claim);
      return claim;
    });
  }

  /** Number of the signal that asks the first process to end: the image's STOPSIGNAL, else SIGTERM. */
  async stopSignal(id: string): Promise<number> {
    await this.files.recorded(id);
    const claim = Claim.safeParse((await this.runtime.find(id))?.claim);
    return claim.data?.stopSignal ?? constants.signals.SIGTERM;
  }

  async shimGroup(id: string): Promise<string | undefined> {
    return (await this.runtime.find(id))?.labels[ContainerLabels.shimGroup];
  }

  /** Removes orphan snapshots: of creates that an earlier agent process began and did not finish. */
  removeOrphanSnapshots(): Promise<void> {
    return this.runtime.removeOrphanSnapshots(this.ownFilter());
  }

  private isOwn({ labels }: Pick<ContainerRecord, 'labels'>): boolean {
    return carriesLabels(labels, this.own());
  }

  private ownFilter(): string {
    return labelFilter(this.own());
  }

  private own(): Record<string, string> {
    return { ...installationLabels(this.config.installation), [ContainerLabels.agentUid]: this.config.podUid };
  }
}
