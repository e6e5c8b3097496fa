import { type Stage } from '@fsb/agent-api/agent-api';
import { ApiError } from '@fsb/api/errors';
import { ContainerLabels } from '@fsb/api/labels';
import { processArgs, requireExecutable } from '@fsb/containerd/command-lookup';
import { type ImageInfo, type ImageStore } from '@fsb/containerd/image-store';
import { buildSpec } from '@fsb/containerd/oci-spec';
import { type ContainerRequest, type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type OciSeccomp } from '@fsb/containerd/seccomp-profile';
import { resolveUser } from '@fsb/containerd/user-lookup';
import { type AgentConfig } from '../agent.config';
import { type Claim } from './claim';
import { type SandboxOrder } from './create-request';
import { type SandboxFolder } from './sandbox-files';

export interface SandboxPlacement {
  readonly networkNamespace: string;
  readonly cgroupParent: string;
  readonly seccomp: OciSeccomp;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The container of an admitted sandbox, with its files: image, command, user; and its removal. */
export class SandboxContainers {
  constructor(
    private readonly config: AgentConfig,
    private readonly placement: SandboxPlacement,
    private readonly images: ImageStore,
    private readonly runtime: SandboxRuntime,
    private readonly folder: SandboxFolder,
  ) {}

  /**
   * @throws ApiError not_found (image:, command:), invalid_argument; nothing is left of a failure
   */
  async create(order: SandboxOrder, claim: Claim): Promise<Stage[]> {
    const started = performance.now();
    const image = await this.image(order);
    const imageMs = performance.now() - started;
    const container = await this.plan(order, claim, image);
    const prepareMs = performance.now() - started - imageMs;
    try {
      const { stages } = await this.runtime.create(container);
      return [{ name: 'image', ms: imageMs }, { name: 'prepare', ms: prepareMs }, ...stages];
    } catch (error) {
      await this.folder.remove(claim.sandboxId);
      throw error;
    }
  }

  /** Container and files; what is gone already is success. */
  async remove(id: string): Promise<void> {
    await this.runtime.remove(id);
    await this.folder.remove(id);
  }

  private async image({ image, request }: SandboxOrder): Promise<ImageInfo> {
    const cached = await this.images.resolve(image);
    if (cached) return cached;
    if (!this.config.pull) throw new ApiError('not_found', `image: ${image} is not in the node's cache`);
    const host = image.slice(0, image.indexOf('/'));
    return this.images.pull(
      image,
      request.pullSecrets?.find((secret) => secret.host === host),
      () => undefined,
    );
  }

  private async plan(order: SandboxOrder, claim: Claim, image: ImageInfo): Promise<ContainerRequest> {
    const { request } = order;
    const args = processArgs(image.config, request.command ?? [], request.args ?? []);
    const workingDir = [request.workingDir, image.config.workingDir].find(Boolean) ?? '/';
    const user = await resolveUser(image.config.user, image.files);
    const env = environment(image.config.env, { HOSTNAME: claim.claimName, HOME: user.home ?? '/' }, request.env ?? {});
    await requireExecutable(args[0] ?? '', env.get('PATH') ?? DEFAULT_PATH, workingDir, image.files);
    const files = await this.folder.prepare(claim.sandboxId, claim.claimName, this.config.podIp);
    const { memoryBytes, cpus, pids } = { ...order, memoryBytes: claim.memoryBytes };
    return {
      id: claim.sandboxId,
      image: image.name,
      chainId: image.chainId,
      labels: this.labels(claim),
      claim,
      logFile: this.folder.logFile(claim.sandboxId),
      runtimeBinary: this.config.runtimeBinary,
      spec: buildSpec({
        args,
        env: [...env].map(([name, value]) => `${name}=${value}`),
        workingDir,
        user,
        hostname: claim.claimName.slice(0, 63),
        limits: { memoryBytes, cpus, pids },
        networkNamespace: this.placement.networkNamespace,
        cgroupsPath: `${this.placement.cgroupParent}/${claim.sandboxId}`,
        seccomp: this.placement.seccomp,
        files,
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
