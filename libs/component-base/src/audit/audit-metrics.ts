import { Counter, type Registry } from 'prom-client';

export class AuditMetrics {
  private readonly events;
  private readonly dropped;

  constructor(registry: Registry) {
    const registers = [registry];
    this.events = new Counter({ name: 'audit_events_total', help: 'Audit records that were written', registers });
    this.dropped = new Counter({
      name: 'audit_dropped_events_total',
      help: 'Audit records that were dropped: the log could not be written, or too many calls were unauthenticated',
      registers,
    });
  }

  written(events: number): void {
    this.events.inc(events);
  }

  lost(events: number): void {
    this.dropped.inc(events);
  }
}
