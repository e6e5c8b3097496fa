import { constants } from 'node:os';
import { ContainerLabels, installationLabels } from '@fsb/api/labels';
import { KeyedMutex } from '@fsb/component-base/keyed-mutex';
import { carriesLabels, labelFilter } from '@fsb/containerd/label-filter';
import { type ContainerRecord, type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type ClaimFiles } from '../warm/claim-files';
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

  /** Every container of this agent; another Pod's are not ours, be it of the same name. */
  list(): Promise<ContainerRecord[]> {
    return this.runtime.list(this.ownFilter());
  }

  /** @param id a sandbox's. @returns undefined where it is not there, or not ours */
  async find(id: string): Promise<ContainerRecord | undefined> {
    const [record] = await this.runtime.list(`id==${JSON.stringify(id)}`, labelFilter({ [ContainerLabels.id]: id }));
    return record && this.isOwn(record) ? record : undefined;
  }

  /**
   * Merges a change into the claim. Read, merge and write are one step: an exit and a bind may come at the same time.
   * @returns undefined where there is no claim
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

  /** The signal that asks its first process to end: the image's STOPSIGNAL, else SIGTERM. */
  async stopSignal(id: string): Promise<number> {
    await this.files.recorded(id);
    const claim = Claim.safeParse((await this.runtime.find(id))?.claim);
    return claim.data?.stopSignal ?? constants.signals.SIGTERM;
  }

  async shimGroup(id: string): Promise<string | undefined> {
    return (await this.runtime.find(id))?.labels[ContainerLabels.shimGroup];
  }

  /** What creates of a process before this one had begun and not finished. */
  dropStraySnapshots(): Promise<void> {
    return this.runtime.dropStraySnapshots(this.ownFilter());
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
