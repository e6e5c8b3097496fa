import { type Stage } from '@fsb/agent-api/agent-api';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type Admission } from './sandboxes/admission';
import { type StandbyContainers } from './standby/standby-containers';

/** Seconds: a warm create takes milliseconds, a cold one tens of them, a pull seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

export interface MeteredParts {
  readonly admission: Admission;
  readonly warm: Pick<StandbyContainers, 'counts'>;
  readonly slots: number;
}

export class AgentMetrics {
  private readonly stages: Histogram<'stage'>;
  private readonly creates: Counter<'start'>;

  constructor(registry: Registry, { admission, warm, slots }: MeteredParts) {
    const registers = [registry];
    this.stages = new Histogram({
      name: 'agent_create_stage_seconds',
      help: 'Duration of each stage of a create',
      labelNames: ['stage'],
      buckets: BUCKETS,
      registers,
    });
    this.creates = new Counter({
      name: 'agent_creates_total',
      help: 'Sandboxes started: warm in a standby container, cold in a new one',
      labelNames: ['start'],
      registers,
    });
    for (const start of ['warm', 'cold']) this.creates.inc({ start }, 0);
    new Gauge({
      name: 'agent_waiting_containers',
      help: 'Standby containers, by image',
      labelNames: ['image'],
      registers,
      collect(): void {
        this.reset(); // drops images that have none any more
        for (const [image, count] of warm.counts()) this.set({ image }, count);
      },
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
    this.creates.inc({ start: stages.some(({ name }) => name === 'launch') ? 'warm' : 'cold' });
    for (const { name, ms } of stages) this.stages.observe({ stage: name }, ms / 1000);
  }
}
