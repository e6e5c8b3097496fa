import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type Stage } from '@fsb/agent-api/agent-api';
import { recordSpan } from '@fsb/component-base/tracing/tracing';
import { isApiError } from '@fsb/api/errors';
import { ContainerLabels, installationLabels } from '@fsb/api/labels';
import { type ContainerIds } from '@fsb/containerd/container-ids';
import { type ImageInfo } from '@fsb/containerd/image-store';
import { CleanupFailedError, SnapshotGoneError } from '@fsb/containerd/runtime-errors';
import { type ContainerRequest, type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type OciSeccomp } from '@fsb/containerd/seccomp-profile';
import { type AgentConfig } from '../agent.config';
import { type ImagePulls } from '../images/image-pulls';
import { secretFor } from '../images/pull-secret';
import { type LaunchAnswer } from '../launch/launch-answer';
import { launchError } from '../launch/launch-error';
import { LaunchFolder } from '../launch/launch-folder';
import { encodeOrder } from '../launch/launch-order';
import { launchSpec } from '../launch/launch-spec';
import { type Launchers } from '../launch/launchers';
import { startError } from '../launch/start-error';
import { type StandbyContainers } from '../standby/standby-containers';
import { type StandbyStart } from '../standby/standby-start';
import { type Claim } from './claim';
import { type AgentCreate } from './create-request';
import { type SandboxCgroups } from './sandbox-cgroups';
import { type SandboxFolder } from './sandbox-files';
import { planProcess, type SandboxProcess } from './sandbox-process';

export interface SandboxPlacement {
  readonly networkNamespace: string;
  readonly cgroups: SandboxCgroups;
  readonly seccomp: OciSeccomp;
  /** hard limit of a sandbox's open files */
  readonly openFiles: number;
  /** cores: the agent's own limit */
  readonly cpuLimit: number | undefined;
}

export interface ContainerParts {
  readonly config: AgentConfig;
  readonly placement: SandboxPlacement;
  readonly images: ImagePulls;
  readonly runtime: SandboxRuntime;
  readonly folder: SandboxFolder;
  readonly ids: ContainerIds;
  readonly launchers: Launchers;
  readonly warm: StandbyContainers;
  readonly warmStart: StandbyStart;
}

/** Makes and removes the container of an admitted sandbox, with its files and cgroup. */
export class SandboxContainers {
  constructor(private readonly parts: ContainerParts) {}

  /**
   * @param abandoned ends the wait for an image; later steps are not interrupted
   * @throws ApiError not_found (image:, command:), invalid_argument; nothing of the sandbox is left
   * @throws CleanupFailedError its container may be left
   */
  create(order: AgentCreate, claim: Claim, abandoned: AbortSignal): Promise<Stage[]> {
    return this.parts.warm.during(order.image, () => this.make(order, claim, abandoned));
  }

  /** Retries once: the image may be garbage-collected, and imported again, between its resolution and the snapshot. */
  private async make(order: AgentCreate, claim: Claim, abandoned: AbortSignal): Promise<Stage[]> {
    try {
      return await this.makeOnce(order, claim, abandoned);
    } catch (error) {
      if (!(error instanceof SnapshotGoneError)) throw error;
      return this.makeOnce(order, claim, abandoned);
    }
  }

  private async makeOnce(order: AgentCreate, named: Claim, abandoned: AbortSignal): Promise<Stage[]> {
    const started = performance.now();
    const auth = secretFor(order.image, order.request.pullSecrets ?? []);
    const { image: name, imagePullPolicy: policy } = order;
    const image = await this.parts.images.obtain({ image: name, policy, auth, namespace: named.namespace }, abandoned);
    const claim = { ...named, stopSignal: image.config.stopSignal };
    const imageMs = performance.now() - started;
    recordSpan('image', started);
    const process = planProcess(order, claim, image.config, this.parts.placement.cpuLimit);
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
        throw new CleanupFailedError(failure);
      });
      throw error;
    }
  }

  private async startCold(claim: Claim, image: ImageInfo, process: SandboxProcess): Promise<Stage[]> {
    // deferred until containerd has been asked, so that both work at the same time
    const answer = setImmediate().then(() => this.prepare(claim, process));
    answer.catch(() => undefined); // the runtime awaits it
    try {
      const { stages } = await this.parts.runtime.create({
        ...this.request(claim, image, process),
        beforeTask: answer,
      });
      this.parts.folder.markStarted(claim.sandboxId);
      const started = performance.now();
      await this.awaitExec(await answer, claim, process);
      return [...stages, { name: 'exec', ms: performance.now() - started }];
    } catch (error) {
      if (isApiError(error, 'already_exists')) throw error; // the files belong to the container that exists
      answer.then(
        (one) => {
          one.abandon();
        },
        () => undefined,
      );
      if (error instanceof SnapshotGoneError) this.parts.images.forget(image);
      await this.removeTraces(claim.sandboxId).catch(() => undefined); // the janitor removes what is left
      throw startError(error);
    }
  }

  /** Writes the sandbox's files and the order for its launcher. */
  private prepare({ sandboxId, claimName }: Claim, process: SandboxProcess): Promise<LaunchAnswer> {
    const { config, folder, launchers } = this.parts;
    folder.prepare(sandboxId, claimName, config.podIp);
    const launch = new LaunchFolder(folder.launchFolder(sandboxId));
    return launch.prepareOrdered({ ...launchers, files: folder.paths(sandboxId) }, encodeOrder(process));
  }

  /**
   * Waits until the launcher has become the user's process.
   * @throws ApiError where it did not; its container is removed
   * @throws CleanupFailedError where the container could not be removed either
   */
  private async awaitExec(answer: LaunchAnswer, { sandboxId }: Claim, process: SandboxProcess): Promise<void> {
    const outcome = await answer.outcome();
    new LaunchFolder(this.parts.folder.launchFolder(sandboxId)).forgetOrder();
    if (outcome === undefined) return;
    await this.parts.runtime.remove(sandboxId).catch((failure: unknown) => {
      throw new CleanupFailedError(failure);
    });
    throw launchError(outcome === 'unread' ? { step: '', errno: 0 } : outcome, process);
  }

  /**
   * Removes container, files and cgroup. Idempotent.
   * @param keepLog records whether the log is to be kept. Called before the container is removed, whose labels say so,
   * and again just before the log is: a caller may have asked for it meanwhile
   */
  async remove(id: string, keepLog?: () => Promise<void>): Promise<void> {
    await keepLog?.();
    await this.parts.runtime.remove(id);
    await this.removeTraces(id, keepLog);
  }

  private async removeTraces(id: string, keepLog?: () => Promise<void>): Promise<void> {
    const { placement, folder, ids, warm } = this.parts;
    const container = ids.containerOf(id);
    await placement.cgroups.remove(id);
    await keepLog?.();
    await folder.remove(id);
    if (container === id) return;
    await folder.remove(container); // a standby container's folder may not have been renamed to its sandbox's yet
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
      ...folder.log(claim.sandboxId),
      runtimeBinary: config.runtimeBinary,
      runtimeRoot: join(config.runDir, 'runtime'),
      spec: launchSpec({
        limits: process.limits,
        networkNamespace: placement.networkNamespace,
        openFiles: placement.openFiles,
        cgroupsPath: placement.cgroups.path(claim.sandboxId),
        seccomp: placement.seccomp,
        launchFolder: folder.launchFolder(claim.sandboxId),
      }),
    };
  }

  private labels(claim: Claim): Record<string, string> {
    const { config } = this.parts;
    return {
      ...installationLabels(config.installation),
      [ContainerLabels.agentName]: config.podName,
      [ContainerLabels.agentUid]: config.podUid,
      [ContainerLabels.namespace]: claim.namespace,
      [ContainerLabels.id]: claim.sandboxId,
      [ContainerLabels.claimUid]: claim.claimUid,
      [ContainerLabels.sandboxName]: claim.claimName,
      [ContainerLabels.claimTime]: String(Date.now()),
    };
  }
}
