import { ContainerLabels, installationLabels } from '@fsb/api/labels';
import { carriesLabels } from '@fsb/containerd/label-filter';
import { type ContainerRecord, type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { API_VERSION } from '@fsb/api/sandbox';
import { type JanitorConfig } from '../janitor.config';
import { removeSandboxFiles } from '../orphans/sandbox-files';
import { type Removals } from '../removals';
import { type Suspects } from '../suspects';
import { claimedContainer } from './claimed-container';
import { type ClusterEvidence } from './cluster-evidence';
import { type LabelledContainer, isYoung, judge, type KeepReason, type Removal, type Verdict } from './orphan-policy';

export interface ContainerSweepParts {
  readonly runtime: SandboxRuntime;
  readonly evidence: ClusterEvidence;
  readonly removals: Removals;
  readonly suspects: Suspects;
}

/** Reasons that pass with time, or without an event: the container is checked again before the next sweep. */
const PASSING: readonly KeepReason[] = ['young', 'ending', 'unknown', 'nobody-to-adopt'];

/** Check of one container, and its removal if it is an orphan. */
export class ContainerSweep {
  constructor(
    private readonly config: JanitorConfig,
    private readonly parts: ContainerSweepParts,
  ) {}

  /**
   * Ignores a container that is gone, or of another installation.
   * @returns milliseconds until the next check; undefined: with the next sweep
   * @throws Error when the removal failed
   */
  async check(id: string): Promise<number | undefined> {
    const { runtime, evidence, suspects } = this.parts;
    const installation = await evidence.installation();
    const [record] = await runtime.list(`id==${JSON.stringify(id)}`);
    if (!record || !carriesLabels(record.labels, installationLabels(installation))) return undefined;
    const container = claimedContainer(record);
    const verdict = await this.judge(container);
    if ('keep' in verdict) {
      suspects.cleared(id);
      return PASSING.includes(verdict.keep) ? this.untilNextLook(container) : undefined;
    }
    const seenMs = verdict.onlyIfItStays ? suspects.seen(id) : Infinity;
    if (seenMs < this.config.orphanTimeout) return this.config.orphanTimeout - seenMs;
    // asked last: the evidence was then read from this installation's cluster
    if (!(await evidence.isSameCluster())) return this.config.orphanTimeout;
    await this.remove(container, verdict);
    await this.removeShimSocket(record.labels, verdict);
    suspects.cleared(id);
    return undefined;
  }

  private async judge(container: LabelledContainer): Promise<Verdict> {
    const timing = { nowMs: Date.now(), orphanTimeoutMs: this.config.orphanTimeout };
    if (isYoung(container, timing)) return { keep: 'young' };
    return judge(container, await this.parts.evidence.of(container), timing);
  }

  /** Removes a killed shim's socket. Not while the agent lives: it may be starting another shim of that name. */
  private async removeShimSocket(labels: ContainerRecord['labels'], { remove }: Removal): Promise<void> {
    const group = labels[ContainerLabels.shimGroup] ?? '';
    if (group === '' || remove !== 'AgentPodGone' || this.config.dryRun) return;
    await this.parts.runtime.closeGroup(group).catch(() => undefined); // harmless: an empty file
  }

  private untilNextLook({ claimedAtMs = 0 }: LabelledContainer): number {
    const { orphanTimeout, scanInterval } = this.config;
    const untilOldEnough = claimedAtMs + orphanTimeout - Date.now();
    return Math.min(untilOldEnough > 0 ? untilOldEnough : orphanTimeout, scanInterval);
  }

  private remove(container: LabelledContainer, { remove: reason, why }: Removal): Promise<void> {
    const { id, sandboxId, namespace, sandboxName: name, claimUid } = container;
    const metadata = { namespace, name, ...(claimUid && { uid: claimUid }) };
    const object = { apiVersion: API_VERSION, kind: 'Sandbox', metadata };
    // a standby container has no object for an Event
    const about = name === '' || namespace === '' ? {} : { object };
    const orphan = { kind: 'container', name: id, reason, why, ...about } as const;
    return this.parts.removals.run(orphan, () => this.removeWhole(id, sandboxId));
  }

  /** Removes the record last: if this process is killed midway, the next sweep finds the container again. */
  private async removeWhole(id: string, sandboxId: string): Promise<void> {
    const { logDir, runDir } = this.config;
    await this.parts.runtime.release(id);
    await removeSandboxFiles(logDir, runDir, sandboxId);
    await this.parts.runtime.remove(id);
  }
}
