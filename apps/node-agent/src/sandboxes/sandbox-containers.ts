import { join } from 'node:path';
import { type Stage } from '@fsb/agent-api/agent-api';
import { isApiError } from '@fsb/api/errors';
import { ContainerLabels } from '@fsb/api/labels';
import { processArgs, requireExecutable } from '@fsb/containerd/command-lookup';
import { type ImageInfo } from '@fsb/containerd/image-store';
import { buildSpec } from '@fsb/containerd/oci-spec';
import { type ContainerRequest, type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type OciSeccomp } from '@fsb/containerd/seccomp-profile';
import { resolveUser } from '@fsb/containerd/user-lookup';
import { type AgentConfig } from '../agent.config';
import { type ImagePulls } from '../images/image-pulls';
import { secretFor } from '../images/pull-secret';
import { type Claim } from './claim';
import { type SandboxOrder } from './create-request';
import { type SandboxCgroups } from './sandbox-cgroups';
import { type SandboxFolder } from './sandbox-files';

export interface SandboxPlacement {
  readonly networkNamespace: string;
  readonly cgroups: SandboxCgroups;
  readonly seccomp: OciSeccomp;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The container of an admitted sandbox, with its files: image, command, user; and its removal. */
export class SandboxContainers {
  constructor(
    private readonly config: AgentConfig,
    private readonly placement: SandboxPlacement,
    private readonly images: ImagePulls,
    private readonly runtime: SandboxRuntime,
    private readonly folder: SandboxFolder,
  ) {}

  /**
   * @param abandoned ends the wait for an image; what comes after it is not interrupted
   * @throws ApiError not_found (image:, command:), invalid_argument; nothing is left of a failure but of a LeftoverError
   */
  async create(order: SandboxOrder, claim: Claim, abandoned: AbortSignal): Promise<Stage[]> {
    const started = performance.now();
    const auth = secretFor(order.image, order.request.pullSecrets ?? []);
    const image = await this.images.obtain(order.image, auth, abandoned);
    const imageMs = performance.now() - started;
    const planned = await this.plan(order, claim, image);
    const planMs = performance.now() - started - imageMs;
    const files = this.folder.prepare(claim.sandboxId, claim.claimName, this.config.podIp);
    files.catch(() => undefined); // the runtime awaits it
    try {
      const { stages } = await this.runtime.create({ ...planned, beforeTask: files });
      await this.folder.markStarted(claim.sandboxId);
      return [{ name: 'image', ms: imageMs }, { name: 'plan', ms: planMs }, ...stages];
    } catch (error) {
      if (isApiError(error, 'already_exists')) throw error; // the traces are another's
      await this.removeTraces(claim.sandboxId).catch(() => undefined); // what stays is the janitor's
      throw error;
    }
  }

  /** Container, files and cgroup; what is gone already is success. */
  async remove(id: string): Promise<void> {
    await this.runtime.remove(id);
    await this.removeTraces(id);
  }

  private async removeTraces(id: string): Promise<void> {
    await this.placement.cgroups.remove(id);
    await this.folder.remove(id);
  }

  private async plan(order: SandboxOrder, claim: Claim, image: ImageInfo): Promise<ContainerRequest> {
    const { request } = order;
    const args = processArgs(image.config, request.command ?? [], request.args ?? []);
    const workingDir = [request.workingDir, image.config.workingDir].find(Boolean) ?? '/';
    const user = await resolveUser(image.config.user, image.files);
    const env = environment(image.config.env, { HOSTNAME: claim.claimName, HOME: user.home ?? '/' }, request.env ?? {});
    await requireExecutable(args[0] ?? '', env.get('PATH') ?? DEFAULT_PATH, workingDir, image.files);
    const cpus = atMost(this.config.cpuLimit, order.cpus);
    return {
      id: claim.sandboxId,
      image: image.name,
      chainId: image.chainId,
      labels: this.labels(claim),
      claim,
      logFile: this.folder.logFile(claim.sandboxId),
      runtimeBinary: this.config.runtimeBinary,
      runtimeRoot: join(this.config.runDir, 'runtime'),
      spec: buildSpec({
        args,
        env: [...env].map(([name, value]) => `${name}=${value}`),
        workingDir,
        user,
        hostname: claim.claimName.slice(0, 63),
        limits: { memoryBytes: claim.memoryBytes, cpus, pids: order.pids },
        networkNamespace: this.placement.networkNamespace,
        cgroupsPath: this.placement.cgroups.path(claim.sandboxId),
        seccomp: this.placement.seccomp,
        files: this.folder.paths(claim.sandboxId),
      }),
    };
  }

  private labels(claim: Claim): Record<string, string> {
    return {
      [ContainerLabels.managed]: 'true',
      [ContainerLabels.agentName]: this.config.podName,
      [ContainerLabels.agentUid]: this.config.podUid,
      [ContainerLabels.namespace]: claim.namespace,
      [ContainerLabels.id]: claim.sandboxId,
      [ContainerLabels.claimUid]: claim.claimUid,
      [ContainerLabels.sandboxName]: claim.claimName,
      [ContainerLabels.installation]: this.config.installation,
      [ContainerLabels.claimTime]: String(Date.now()),
    };
  }
}

/** The image's variables over the defaults, the caller's over both. */
function environment(
  image: readonly string[],
  defaults: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>>,
): Map<string, string> {
  const all = new Map(Object.entries({ PATH: DEFAULT_PATH, ...defaults }));
  for (const entry of image) {
    const at = entry.indexOf('=');
    if (at > 0) all.set(entry.slice(0, at), entry.slice(at + 1));
  }
  for (const [name, value] of Object.entries(own)) all.set(name, value);
  return all;
}

/** A sandbox that asks for no limit, or for more than its agent has, gets the agent's. */
function atMost(limit: number | undefined, wanted: number | undefined): number | undefined {
  return limit === undefined || wanted === undefined ? (wanted ?? limit) : Math.min(limit, wanted);
}
