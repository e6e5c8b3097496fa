import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { ContainerLabels, installationLabels } from '@fsb/api/labels';
import { type Traffic } from '@fsb/component-base/traffic';
import { type ImageInfo, type ImageStore } from '@fsb/containerd/image-store';
import { type ContainerLimits } from '@fsb/containerd/oci-spec';
import { SnapshotGoneError } from '@fsb/containerd/runtime-errors';
import { type ContainerRecord, type ContainerRequest, type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type OciSeccomp } from '@fsb/containerd/seccomp-profile';
import { type AgentConfig } from '../agent.config';
import { type ImageAccess } from '../images/image-access';
import { type SandboxCgroups } from '../sandboxes/sandbox-cgroups';
import { type SandboxFolder } from '../sandboxes/sandbox-files';
import { type Launch, LaunchFolder } from '../launch/launch-folder';
import { launchSpec } from '../launch/launch-spec';
import { type Launchers } from '../launch/launchers';
import { type StandbyDemand } from './standby-demand';
import { countByImage, nextStep, type StandbyContainer } from './standby-plan';

export interface WarmParts {
  readonly config: AgentConfig;
  readonly networkNamespace: string;
  readonly seccomp: OciSeccomp;
  readonly openFiles: number;
  readonly cgroups: SandboxCgroups;
  readonly images: Pick<ImageStore, 'resolve' | 'forget'>;
  readonly access: Pick<ImageAccess, 'remember'>;
  readonly runtime: SandboxRuntime;
  readonly folder: SandboxFolder;
  readonly launchers: Launchers;
  readonly demand: StandbyDemand;
  readonly traffic: Traffic;
  /** of a sandbox that asks for none */
  readonly limits: ContainerLimits;
  /** called with the images that have a standby container, when they change */
  readonly onImages: (images: readonly string[]) => void;
}

/** A standby container that a create has taken. Its launcher reads from `launch` only. */
export interface Taken {
  readonly id: string;
  readonly launch: Launch;
}

/** Longest wait of a refill for a lull in creates. */
const LONGEST_WAIT_MS = 1_000;
/** Pause between refills: retries failures, and notices images that are no longer hot. */
const LOOK_AGAIN_MS = 5_000;
const ID_PREFIX = 'warm-';

/** Standby containers, made and started ahead of their sandboxes. Refills and removals wait for lulls in creates. */
export class StandbyContainers {
  private readonly logger = new Logger(StandbyContainers.name);
  /** hash of what all have in common: the spec, the launcher and the log writer */
  private readonly template: string;
  private waiting: StandbyContainer[] = [];
  private notified: readonly string[] = [];
  /** ids already handled, also of those taken since: a list from containerd may be older than what is known here */
  private readonly known = new Set<string>();
  private filling = false;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly parts: WarmParts) {
    this.template = hashOf([this.spec(''), parts.launchers.launcher, parts.folder.log('').logWriter?.program]);
  }

  /** Images with a standby container, sorted. */
  get images(): readonly string[] {
    return [...this.counts().keys()].sort();
  }

  /** Standby containers, by image. */
  counts(): ReadonlyMap<string, number> {
    return countByImage(this.waiting);
  }

  /**
   * Takes a live standby container of the image as it is tagged now. Each is taken once.
   * @returns undefined: there is none
   */
  take(image: ImageInfo): Taken | undefined {
    const key = this.keyOf(image);
    for (;;) {
      const at = this.waiting.findIndex((one) => one.key === key);
      const [found] = at < 0 ? [] : this.waiting.splice(at, 1);
      if (!found) return undefined;
      this.notifyImages();
      const launch = this.launchFolder(found.id).open();
      if (launch) return { id: found.id, launch };
      void this.discard(found.id);
    }
  }

  /** Wraps every create: counts it as demand, and holds refills off meanwhile. */
  async during<T>(image: string, create: () => Promise<T>): Promise<T> {
    this.parts.demand.created(image, Date.now());
    try {
      return await this.parts.traffic.during(create);
    } finally {
      this.refill();
    }
  }

  /** Takes over standby containers of an earlier agent process; discards those that cannot be used. */
  restore(records: readonly ContainerRecord[]): void {
    for (const { id, labels, claim, task } of records) {
      const key = labels[ContainerLabels.waiting] ?? '';
      if (key === '' || this.known.has(id)) continue;
      this.known.add(id);
      const image = (claim as { waitsFor?: unknown } | null | undefined)?.waitsFor; // written by add()
      if (task?.status === 'running' && typeof image === 'string') this.waiting.push({ id, image, key });
      else void this.discard(id);
    }
    this.notifyImages();
    this.refill();
  }

  /** Discards a standby container that exited. @returns false where the container is not one */
  handleExit(id: string): boolean {
    const before = this.waiting.length;
    this.waiting = this.waiting.filter((one) => one.id !== id);
    if (this.waiting.length === before) return false;
    this.notifyImages();
    void this.discard(id).then(() => {
      this.refill();
    });
    return true;
  }

  /** Starts a refill, unless one is running. */
  refill(): void {
    if (this.stopped || this.filling) return;
    clearTimeout(this.timer);
    this.filling = true;
    void this.fill()
      .catch((error: unknown) => {
        this.logger.warn({ msg: 'no standby container could be made', error: messageOf(error) });
      })
      .finally(() => {
        this.filling = false;
        this.timer = setTimeout(() => {
          this.refill();
        }, LOOK_AGAIN_MS).unref();
      });
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  async discard(id: string): Promise<void> {
    const { runtime, cgroups, folder } = this.parts;
    try {
      const hadTask = await runtime.hasTask(id);
      const group = runtime.groupOf(id);
      await runtime.remove(id);
      if (!hadTask && group !== undefined) await runtime.closeGroup(group);
      await cgroups.remove(id);
      await folder.remove(id);
      this.known.delete(id);
    } catch (error) {
      this.logger.warn({ msg: 'a standby container was not removed', id, error: messageOf(error) }); // retried at start
    }
  }

  /** Forgets a container that was removed with its sandbox. */
  forget(id: string): void {
    this.known.delete(id);
  }

  launchFolder(id: string): LaunchFolder {
    return new LaunchFolder(this.parts.folder.launchFolder(id));
  }

  private async fill(): Promise<void> {
    const { demand, config, traffic } = this.parts;
    const failed = new Set<string>(); // an image that fails must not hold up the others
    while (!this.wasStopped()) {
      await traffic.lull(LONGEST_WAIT_MS);
      const targets = new Map(demand.targets(config.warmContainers, Date.now()));
      for (const name of failed) targets.set(name, this.counts().get(name) ?? 0);
      const images = await this.resolve(new Set([...targets.keys(), ...this.waiting.map(({ image }) => image)]));
      const keys = new Map([...images].map(([name, image]) => [name, this.keyOf(image)]));
      const step = nextStep(this.waiting, targets, keys);
      if (!step) return;
      if ('remove' in step) {
        if (this.unlist(step.remove)) await this.discard(step.remove.id);
        continue;
      }
      const image = images.get(step.add);
      if (!image) continue;
      await this.add(image).catch((error: unknown) => {
        failed.add(step.add);
        this.logger.warn({ msg: 'no standby container could be made', image: step.add, error: messageOf(error) });
      });
    }
  }

  private wasStopped(): boolean {
    return this.stopped;
  }

  /** Takes a container out of the list before its removal. @returns false where a create has taken it already */
  private unlist({ id }: StandbyContainer): boolean {
    const at = this.waiting.findIndex((one) => one.id === id);
    if (at >= 0) this.waiting.splice(at, 1);
    this.notifyImages();
    return at >= 0;
  }

  private async resolve(names: ReadonlySet<string>): Promise<ReadonlyMap<string, ImageInfo>> {
    const found = new Map<string, ImageInfo>();
    for (const name of names) {
      const image = await this.parts.images.resolve(name);
      if (!image) continue;
      found.set(name, image);
      await this.parts.access.remember(image);
    }
    return found;
  }

  private async add(image: ImageInfo): Promise<void> {
    const { config, runtime, folder, launchers } = this.parts;
    const id = `${ID_PREFIX}${randomBytes(8).toString('hex')}`;
    const key = this.keyOf(image);
    this.known.add(id);
    try {
      folder.prepare(id, 'waiting', config.podIp);
      folder.markStarted(id); // the folder becomes the sandbox's with its launch, and is then marked already
      await this.launchFolder(id).prepare({ ...launchers, files: folder.paths(id) });
      await runtime.create(this.request(id, image, key));
    } catch (error) {
      if (error instanceof SnapshotGoneError) this.parts.images.forget(image);
      await this.discard(id);
      throw error;
    }
    this.waiting.push({ id, image: image.name, key });
    this.notifyImages();
  }

  private notifyImages(): void {
    const { images } = this;
    if (images.join() === this.notified.join()) return;
    this.notified = images;
    this.parts.onImages(images);
  }

  private request(id: string, image: ImageInfo, key: string): ContainerRequest {
    const { config, folder } = this.parts;
    return {
      id,
      image: image.name,
      chainId: image.chainId,
      labels: {
        ...installationLabels(config.installation),
        [ContainerLabels.agentName]: config.podName,
        [ContainerLabels.agentUid]: config.podUid,
        [ContainerLabels.namespace]: config.namespace, // the agent's: the janitor looks the Pod up there
        [ContainerLabels.waiting]: key,
      },
      claim: { waitsFor: image.name },
      ...folder.log(id),
      runtimeBinary: config.runtimeBinary,
      runtimeRoot: join(config.runDir, 'runtime'),
      spec: this.spec(id),
    };
  }

  private spec(id: string): Record<string, unknown> {
    const { networkNamespace, cgroups, folder, limits, openFiles, seccomp } = this.parts;
    return launchSpec({
      ...{ limits, networkNamespace, openFiles, seccomp },
      cgroupsPath: cgroups.path(id),
      launchFolder: folder.launchFolder(id),
    });
  }

  private keyOf({ name, chainId }: ImageInfo): string {
    return hashOf([name, chainId, this.template]);
  }
}

function hashOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
