import { type Stage } from '@fsb/agent-api/agent-api';
import { type ErrorCode } from '@fsb/api/errors';
import { type LimitError } from '@fsb/quota/limits';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type Mode } from './create/validated-create';

/** Histogram buckets: dense from 1 to 50 ms, where creates are; up to a minute, which an image pull may take. */
const SECONDS = [0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60];
const LIMITS = [
  'sandboxes',
  'cpu',
  'memory',
  'createsPerSecond',
  'inFlight',
] as const satisfies LimitError['limited'][];
const MODES = ['fast', 'strong'] as const;

/** Outcome of a create, as its caller received it. */
export type CreateCode = 'ok' | ErrorCode;
/** Codes whose series exist from the start, at 0: an absent series cannot be alerted on. */
const CODES: readonly CreateCode[] = [
  'ok',
  'already_exists',
  'not_found',
  'resource_exhausted',
  'unavailable',
  'deadline_exceeded',
  'aborted',
  'internal',
];

/** Prometheus metrics of creates and of the pending records. */
export class GatewayMetrics {
  private readonly creates;
  private readonly codes;
  private readonly byStage;
  private readonly byLimit;

  constructor(registry: Registry, pendingRecords: () => number) {
    const registers = [registry];
    this.creates = new Histogram({
      name: 'fastpath_create_sandbox_duration_seconds',
      help: 'Time from the request of a create to its answer',
      labelNames: ['mode', 'success'],
      buckets: SECONDS,
      registers,
    });
    this.codes = new Counter({
      name: 'fastpath_creates_total',
      help: 'Creates with a valid request, by the code of their answer',
      labelNames: ['mode', 'code'],
      registers,
    });
    this.byStage = new Histogram({
      name: 'fastpath_create_stage_seconds',
      help: 'Time of each stage of creates that succeeded',
      labelNames: ['stage'],
      buckets: SECONDS,
      registers,
    });
    this.byLimit = new Counter({
      name: 'fastpath_limited_creates_total',
      help: 'Creates refused by a quota or a rate of their namespace, or because too many were under way',
      labelNames: ['limit'],
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
    for (const limit of LIMITS) this.byLimit.inc({ limit }, 0);
    for (const mode of MODES) {
      for (const code of CODES) this.codes.inc({ mode, code }, 0);
      for (const success of ['true', 'false']) this.creates.zero({ mode, success });
    }
  }

  /** Counts a create that has ended. */
  created(mode: Mode, code: CreateCode, seconds: number): void {
    this.creates.observe({ mode, success: String(code === 'ok') }, seconds);
    this.codes.inc({ mode, code });
  }

  /** Counts a create that a limit refused. */
  limited(limit: LimitError['limited']): void {
    this.byLimit.inc({ limit });
  }

  /** Observes the stages of a create that succeeded. */
  stages(stages: readonly Stage[]): void {
    for (const { name, ms } of stages) this.byStage.observe({ stage: name }, ms / 1000);
  }
}
