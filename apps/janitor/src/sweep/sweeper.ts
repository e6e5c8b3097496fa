import { Logger } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { ContainerLabels } from '@fsb/api/labels';
import { type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { type Reconciler, type Result } from '@fsb/controller-runtime/reconciler';
import { API_VERSION } from '@fsb/api/sandbox';
import { type JanitorConfig } from '../janitor.config';
import { type JanitorMetrics } from '../janitor.metrics';
import { claimedContainer } from './claimed-container';
import { type ClusterEvidence } from './cluster-evidence';
import { leftoverFiles, removeFile } from './leftover-files';
import { type ClaimedContainer, isYoung, judge, type Verdict } from './orphan-policy';

export interface SweeperParts {
  readonly runtime: SandboxRuntime;
  readonly evidence: ClusterEvidence;
  readonly events: EventRecorder;
  readonly metrics: JanitorMetrics;
  /** the uid of the cluster's kube-system namespace */
  readonly installation: () => Promise<string>;
}

/** The one key of the janitor's queue. */
export const SWEEP = 'sweep';

/** Marks, then removes. What is too young now is looked at again as soon as it is old enough. */
export class Sweeper implements Reconciler {
  private readonly logger = new Logger(Sweeper.name);

  constructor(
    private readonly config: JanitorConfig,
    private readonly parts: SweeperParts,
  ) {}

  async reconcile(): Promise<Result> {
    const containers = await this.managed();
    let waiting = false;
    for (const container of containers) {
      const verdict = await this.judge(container);
      if ('keep' in verdict) waiting ||= verdict.keep === 'young' || verdict.keep === 'nobody-to-adopt';
      else await this.remove(container, verdict);
    }
    await this.removeLeftovers();
    const { orphanTimeout, scanInterval } = this.config;
    return { requeueAfterMs: waiting ? Math.min(orphanTimeout, scanInterval) : scanInterval };
  }

  private async managed(): Promise<ClaimedContainer[]> {
    const installation = await this.parts.installation();
    const filter = `labels."${ContainerLabels.managed}"=="true",labels."${ContainerLabels.installation}"=="${installation}"`;
    return (await this.parts.runtime.list(filter)).map(claimedContainer);
  }

  private async judge(container: ClaimedContainer): Promise<Verdict> {
    const timing = { nowMs: Date.now(), orphanTimeoutMs: this.config.orphanTimeout };
    if (isYoung(container, timing)) return { keep: 'young' };
    return judge(container, await this.parts.evidence.of(container), timing);
  }

  private async remove(
    container: ClaimedContainer,
    { remove, why }: Extract<Verdict, { remove: string }>,
  ): Promise<void> {
    const { id, sandboxId, namespace, sandboxName: name, claimUid } = container;
    this.logger.warn({ msg: 'orphan', id, sandboxId, reason: remove, why, dryRun: this.config.dryRun });
    if (this.config.dryRun) return;
    try {
      await this.parts.runtime.remove(id);
    } catch (error) {
      this.parts.metrics.failed();
      this.logger.error({ msg: 'cannot remove, trying again with the next sweep', id, error: messageOf(error) });
      return;
    }
    this.parts.metrics.removed(remove);
    const object = {
      apiVersion: API_VERSION,
      kind: 'Sandbox',
      metadata: { namespace, name, ...(claimUid && { uid: claimUid }) },
    };
    this.parts.events.record(object, 'Warning', 'OrphanRemoved', `Container ${sandboxId} was removed: ${why}`);
  }

  /** Every container of the node counts here, whosever it is: its files are not ours to judge. */
  private async removeLeftovers(): Promise<void> {
    const known = new Set(
      (await this.parts.runtime.list('')).flatMap(({ id, labels }) => [id, labels[ContainerLabels.id] ?? id]),
    );
    const { logDir, runDir, orphanTimeout } = this.config;
    for (const path of await leftoverFiles(known, { logDir, runDir, minAgeMs: orphanTimeout + 60_000 })) {
      this.logger.warn({ msg: 'leftover file', path, dryRun: this.config.dryRun });
      if (this.config.dryRun) continue;
      await removeFile(path);
      this.parts.metrics.removed('LeftoverFile');
    }
  }
}
