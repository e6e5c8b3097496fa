import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type Stage } from '@fsb/agent-api/agent-api';
import { recordSpan } from '@fsb/component-base/tracing/tracing';
import { isApiError } from '@fsb/api/errors';
import { ContainerLabels } from '@fsb/api/labels';
import { type ContainerIds } from '@fsb/containerd/container-ids';
import { type ImageInfo } from '@fsb/containerd/image-store';
import { buildSpec } from '@fsb/containerd/oci-spec';
import { LeftoverError } from '@fsb/containerd/runtime-errors';
import { type ContainerRequest, type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type OciSeccomp } from '@fsb/containerd/seccomp-profile';
import { type AgentConfig } from '../agent.config';
import { type ImagePulls } from '../images/image-pulls';
import { secretFor } from '../images/pull-secret';
import { type WarmContainers } from '../warm/warm-containers';
import { type WarmStart } from '../warm/warm-start';
import { type Claim } from './claim';
import { type SandboxOrder } from './create-request';
import { type SandboxCgroups } from './sandbox-cgroups';
import { type SandboxFolder } from './sandbox-files';
import { planProcess, type SandboxProcess } from './sandbox-process';

export interface SandboxPlacement {
  readonly networkNamespace: string;
  readonly cgroups: SandboxCgroups;
  readonly seccomp: OciSeccomp;
}

export interface ContainerParts {
  readonly config: AgentConfig;
  readonly placement: SandboxPlacement;
  readonly images: ImagePulls;
  readonly runtime: SandboxRuntime;
  readonly folder: SandboxFolder;
  readonly ids: ContainerIds;
  readonly warm: WarmContainers;
  readonly warmStart: WarmStart;
}

/** The container of an admitted sandbox, with its files: image, command, user; and its removal. */
export class SandboxContainers {
  constructor(private readonly parts: ContainerParts) {}

  /**
   * @param abandoned ends the wait for an image; what comes after it is not interrupted
   * @throws ApiError not_found (image:, command:), invalid_argument; nothing is left of a failure but of a LeftoverError
   */
  create(order: SandboxOrder, claim: Claim, abandoned: AbortSignal): Promise<Stage[]> {
    return this.parts.warm.during(order.image, () => this.make(order, claim, abandoned));
  }

  private async make(order: SandboxOrder, claim: Claim, abandoned: AbortSignal): Promise<Stage[]> {
    const started = performance.now();
    const auth = secretFor(order.image, order.request.pullSecrets ?? []);
    const image = await this.parts.images.obtain(order.image, auth, abandoned);
    const imageMs = performance.now() - started;
    recordSpan('image', started);
    const process = await planProcess(order, claim, image, this.parts.config.cpuLimit);
    const planMs = performance.now() - started - imageMs;
    recordSpan('plan', started + imageMs);
    const stages = (await this.startWarm(claim, image, process)) ?? (await this.startCold(claim, image, process));
    return [{ name: 'image', ms: imageMs }, { name: 'plan', ms: planMs }, ...stages];
  }

  private async startWarm(claim: Claim, image: ImageInfo, process: SandboxProcess): Promise<Stage[] | undefined> {
    try {
      return await this.parts.warmStart.start({ claim, image, process, labels: this.labels(claim) });
    } catch (error) {
      await this.remove(claim.sandboxId).catch((failure: unknown) => {
        throw new LeftoverError(failure);
      });
      throw error;
    }
  }

  private async startCold(claim: Claim, image: ImageInfo, process: SandboxProcess): Promise<Stage[]> {
    const { config, folder, runtime } = this.parts;
    // when containerd has been asked: beside its work, not before it
    const files = setImmediate().then(() => {
      folder.prepare(claim.sandboxId, claim.claimName, config.podIp);
    });
    files.catch(() => undefined); // the runtime awaits it
    try {
      const { stages } = await runtime.create({ ...this.request(claim, image, process), beforeTask: files });
      folder.markStarted(claim.sandboxId);
      return stages;
    } catch (error) {
      if (isApiError(error, 'already_exists')) throw error; // the traces are another's
      await this.removeTraces(claim.sandboxId).catch(() => undefined); // what stays is the janitor's
      throw error;
    }
  }

  /** Container, files and cgroup; what is gone already is success. */
  async remove(id: string): Promise<void> {
    await this.parts.runtime.remove(id);
    await this.removeTraces(id);
  }

  private async removeTraces(id: string): Promise<void> {
    const { placement, folder, ids, warm } = this.parts;
    const container = ids.containerOf(id);
    await placement.cgroups.remove(id);
    await folder.remove(id);
    if (container === id) return;
    await folder.remove(container); // where it was not given its sandbox's name any more
    ids.forget(id);
    warm.forget(container);
  }

  private request(claim: Claim, image: ImageInfo, process: SandboxProcess): ContainerRequest {
    const { config, placement, folder } = this.parts;
    return {
      id: claim.sandboxId,
      image: image.name,
      chainId: image.chainId,
      labels: this.labels(claim),
      claim,
      logFile: folder.logFile(claim.sandboxId),
      runtimeBinary: config.runtimeBinary,
      runtimeRoot: join(config.runDir, 'runtime'),
      spec: buildSpec({
        ...process,
        networkNamespace: placement.networkNamespace,
        cgroupsPath: placement.cgroups.path(claim.sandboxId),
        seccomp: placement.seccomp,
        files: folder.paths(claim.sandboxId),
      }),
    };
  }

  private labels(claim: Claim): Record<string, string> {
    const { config } = this.parts;
    return {
      [ContainerLabels.managed]: 'true',
      [ContainerLabels.agentName]: config.podName,
      [ContainerLabels.agentUid]: config.podUid,
      [ContainerLabels.namespace]: claim.namespace,
      [ContainerLabels.id]: claim.sandboxId,
      [ContainerLabels.claimUid]: claim.claimUid,
      [ContainerLabels.sandboxName]: claim.claimName,
      [ContainerLabels.installation]: config.installation,
      [ContainerLabels.claimTime]: String(Date.now()),
    };
  }
}
