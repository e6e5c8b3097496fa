import { type Stage } from '@fsb/agent-api/agent-api';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type Admission } from './sandboxes/admission';
import { type WarmContainers } from './warm/warm-containers';

/** Around the milliseconds of a warm path and the tens of a cold one; a pull takes seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

export interface MeteredParts {
  readonly admission: Admission;
  readonly warm: Pick<WarmContainers, 'counts'>;
  readonly slots: number;
}

export class AgentMetrics {
  private readonly stages: Histogram<'stage'>;
  private readonly creates: Counter<'start'>;

  constructor(registry: Registry, { admission, warm, slots }: MeteredParts) {
    const registers = [registry];
    this.stages = new Histogram({
      name: 'agent_create_stage_seconds',
      help: 'Time that a stage of a create took',
      labelNames: ['stage'],
      buckets: BUCKETS,
      registers,
    });
    this.creates = new Counter({
      name: 'agent_creates_total',
      help: 'Sandboxes by how they were started: warm in a container that had waited, cold in one that was made for them',
      labelNames: ['start'],
      registers,
    });
    for (const start of ['warm', 'cold']) this.creates.inc({ start }, 0);
    new Gauge({
      name: 'agent_waiting_containers',
      help: 'Containers that wait for a sandbox, by image',
      labelNames: ['image'],
      registers,
      collect(): void {
        this.reset(); // an image that nobody waits for is not told
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
