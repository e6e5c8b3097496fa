import { Counter, type Registry } from 'prom-client';
import { type Orphan, type OrphanKind, REASONS } from './orphan';

export class JanitorMetrics {
  private readonly removals;
  private readonly failures;

  constructor(registry: Registry) {
    const registers = [registry];
    const labelNames = ['kind', 'reason'] as const;
    this.removals = new Counter({
      ...{ name: 'janitor_removed_total', help: 'Orphans removed, by kind and reason', labelNames, registers },
    });
    this.failures = new Counter({
      ...{ name: 'janitor_failures_total', help: 'Removals that failed', labelNames: ['kind'] as const, registers },
    });
    // every series starts at 0: an alert cannot match an absent one
    for (const kind of Object.keys(REASONS) as OrphanKind[]) {
      for (const reason of REASONS[kind]) this.removals.inc({ kind, reason }, 0);
      this.failures.inc({ kind }, 0);
    }
  }

  removed({ kind, reason }: Orphan): void {
    this.removals.inc({ kind, reason });
  }

  failed({ kind }: Orphan): void {
    this.failures.inc({ kind });
  }
}
