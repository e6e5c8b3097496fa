import { Counter, type Registry } from 'prom-client';
import { type RemovalReason } from './sweep/orphan-policy';

const REASONS = ['AgentPodGone', 'SandboxNotFound', 'ClaimUidDiffers', 'LeftoverFile'] as const satisfies (
  RemovalReason | 'LeftoverFile'
)[];

export class JanitorMetrics {
  private readonly removals;
  private readonly failures;

  constructor(registry: Registry) {
    const registers = [registry];
    this.removals = new Counter({
      name: 'janitor_removed_total',
      help: 'Orphans removed, by reason',
      labelNames: ['reason'],
      registers,
    });
    this.failures = new Counter({ name: 'janitor_failures_total', help: 'Removals that failed', registers });
    for (const reason of REASONS) this.removals.inc({ reason }, 0);
  }

  removed(reason: (typeof REASONS)[number]): void {
    this.removals.inc({ reason });
  }

  failed(): void {
    this.failures.inc();
  }
}
