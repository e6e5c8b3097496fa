import { type Stage } from '@fsb/agent-api/agent-api';
import { Gauge, Histogram, type Registry } from 'prom-client';
import { type Admission } from './sandboxes/admission';

/** Around the milliseconds of a warm path and the tens of a cold one; a pull takes seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

export class AgentMetrics {
  private readonly stages: Histogram<'stage'>;

  constructor(registry: Registry, admission: Admission, slots: number) {
    const registers = [registry];
    this.stages = new Histogram({
      name: 'agent_create_stage_seconds',
      help: 'Time that a stage of a create took',
      labelNames: ['stage'],
      buckets: BUCKETS,
      registers,
    });
    new Gauge({ name: 'agent_slots', help: 'Sandboxes that may run at once', registers }).set(slots);
    new Gauge({
      name: 'agent_slots_allocated',
      help: 'Sandboxes that hold a slot',
      registers,
      collect(): void {
        this.set(admission.allocated);
      },
    });
  }

  created(stages: readonly Stage[]): void {
    for (const { name, ms } of stages) this.stages.observe({ stage: name }, ms / 1000);
  }
}
