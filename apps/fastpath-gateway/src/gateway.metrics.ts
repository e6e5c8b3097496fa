import { type Stage } from '@fsb/agent-api/agent-api';
import { Gauge, Histogram, type Registry } from 'prom-client';
import { type Mode } from './create/create-order';

const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

export class GatewayMetrics {
  private readonly creates;
  private readonly byStage;

  constructor(registry: Registry, pendingRecords: () => number) {
    const registers = [registry];
    this.creates = new Histogram({
      name: 'fastpath_create_sandbox_duration_seconds',
      help: 'From the request to its answer',
      labelNames: ['mode', 'success'],
      buckets: SECONDS,
      registers,
    });
    this.byStage = new Histogram({
      name: 'fastpath_create_stage_seconds',
      help: 'The stages of creates that succeeded',
      labelNames: ['stage'],
      buckets: SECONDS,
      registers,
    });
    new Gauge({
      name: 'fastpath_pending_records',
      help: 'Answered creates whose object is still to be written',
      registers,
      collect() {
        this.set(pendingRecords());
      },
    });
    for (const mode of ['fast', 'strong']) {
      for (const success of ['true', 'false']) this.creates.zero({ mode, success });
    }
  }

  created(mode: Mode, success: boolean, seconds: number): void {
    this.creates.observe({ mode, success: String(success) }, seconds);
  }

  stages(stages: readonly Stage[]): void {
    for (const { name, ms } of stages) this.byStage.observe({ stage: name }, ms / 1000);
  }
}
