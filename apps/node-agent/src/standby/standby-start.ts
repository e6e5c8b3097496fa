import { type Stage } from '@fsb/agent-api/agent-api';
import { recordSpan } from '@fsb/component-base/tracing/tracing';
import { type ContainerIds } from '@fsb/containerd/container-ids';
import { type ImageInfo } from '@fsb/containerd/image-store';
import { type ContainerLimits } from '@fsb/containerd/oci-spec';
import { ContainerLabels } from '@fsb/api/labels';
import { type Claim } from '../sandboxes/claim';
import { type SandboxCgroups } from '../sandboxes/sandbox-cgroups';
import { type SandboxExits } from '../sandboxes/sandbox-exits';
import { type SandboxFolder } from '../sandboxes/sandbox-files';
import { type SandboxProcess } from '../sandboxes/sandbox-process';
import { launchError } from '../launch/launch-error';
import { encodeOrder, MAX_PIPED_BYTES } from '../launch/launch-order';
import { type ClaimFiles } from './claim-files';
import { type Taken, type StandbyContainers } from './standby-containers';

export interface StandbyStartParts {
  readonly containers: StandbyContainers;
  readonly claimFiles: ClaimFiles;
  readonly exits: Pick<SandboxExits, 'takeEarly'>;
  readonly folder: SandboxFolder;
  readonly cgroups: SandboxCgroups;
  readonly ids: ContainerIds;
  /** that standby containers have */
  readonly limits: ContainerLimits;
  /** the sandboxes' address */
  readonly address: string;
}

export interface StandbyOrder {
  readonly claim: Claim;
  readonly image: ImageInfo;
  readonly process: SandboxProcess;
  readonly labels: Readonly<Record<string, string>>;
}

/** Starts sandboxes in standby containers. */
export class StandbyStart {
  constructor(private readonly parts: StandbyStartParts) {}

  /**
   * Writes the claim before the order is sent, so that a crash leaves no process without an owner.
   * @returns stages, in milliseconds; undefined where no standby container fits, without any effect
   * @throws ApiError of launchError; the container is left for the caller to remove, under the sandbox's id
   */
  async start({ claim, image, process, labels }: StandbyOrder): Promise<Stage[] | undefined> {
    const order = encodeOrder(process);
    if (order.length > MAX_PIPED_BYTES) return undefined;
    for (;;) {
      const taken = this.parts.containers.take(image);
      const stages = taken && (await this.startIn(taken, order, { claim, image, process, labels }));
      if (stages || !taken) return stages;
    }
  }

  /** @returns undefined where the launcher had died before it read its order, without any effect */
  private async startIn(taken: Taken, order: Buffer, what: StandbyOrder): Promise<Stage[] | undefined> {
    const { claimFiles, folder, cgroups, ids, address } = this.parts;
    const { claim, process, labels } = what;
    ids.pair(claim.sandboxId, taken.id);
    const started = performance.now();
    const file = { containerId: taken.id, labels: { ...labels, [ContainerLabels.waiting]: '' }, claim };
    try {
      claimFiles.write(file);
      folder.writeIdentity(taken.id, claim.claimName, address);
      if (this.differs(process.limits)) await cgroups.limit(claim.sandboxId, process.limits);
    } catch (error) {
      taken.launch.abandon();
      throw error;
    }
    const claimMs = performance.now() - started;
    recordSpan('claim', started);
    const failure = await taken.launch.order(order);
    if (failure === 'unread') {
      this.discard(taken, claim.sandboxId);
      return undefined;
    }
    recordSpan('launch', started + claimMs);
    if (failure) throw launchError(failure, process);
    folder.rename(taken.id, claim.sandboxId);
    claimFiles.recordBehind(file);
    return [
      { name: 'claim', ms: claimMs },
      { name: 'launch', ms: performance.now() - started - claimMs },
    ];
  }

  /** Discards a container that died unused; its exit is not the sandbox's. */
  private discard({ id }: Taken, sandboxId: string): void {
    this.parts.claimFiles.retract(id);
    this.parts.ids.forget(sandboxId);
    this.parts.exits.takeEarly(sandboxId);
    void this.parts.containers.discard(id);
  }

  private differs({ memoryBytes, cpus, pids }: ContainerLimits): boolean {
    const { limits } = this.parts;
    return memoryBytes !== limits.memoryBytes || cpus !== limits.cpus || pids !== limits.pids;
  }
}
