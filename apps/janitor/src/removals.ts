import { Logger } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { type EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { type KubeObject } from '@fsb/controller-runtime/kinds';
import { type JanitorMetrics } from './janitor.metrics';
import { type Orphan } from './orphan';

/** Single path of all removals: logs, counts and records an Event for each. A dry run only logs. */
export class Removals {
  private readonly logger = new Logger(Removals.name);
  private readonly node: KubeObject;

  constructor(
    private readonly events: EventRecorder,
    private readonly metrics: JanitorMetrics,
    private readonly settings: { readonly nodeName: string; readonly dryRun: boolean },
  ) {
    const name = settings.nodeName;
    // kubelets, too, use the node's name as uid in Events
    this.node = { apiVersion: 'v1', kind: 'Node', metadata: { name, uid: name } };
  }

  /** @throws the error of `remove`, after it was counted and logged */
  async run(orphan: Orphan, remove: () => Promise<unknown>): Promise<void> {
    const { kind, name, reason, why, object } = orphan;
    if (this.settings.dryRun) {
      this.logger.warn({ msg: 'would remove', kind, name, reason, why });
      return;
    }
    this.logger.warn({ msg: 'removing', kind, name, reason, why });
    try {
      await remove();
    } catch (error) {
      this.metrics.failed(orphan);
      this.logger.error({ msg: 'cannot remove', kind, name, error: messageOf(error) });
      throw error;
    }
    this.metrics.removed(orphan);
    this.events.record(object ?? this.node, 'Warning', 'OrphanRemoved', `The ${kind} ${name} was removed: ${why}`);
  }
}
