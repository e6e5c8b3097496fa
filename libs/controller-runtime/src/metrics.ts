import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type CallObserver, type KubeVerb } from './kube-client';
import { type QueueObserver } from './work-queue';

const OUTCOMES = ['success', 'requeue_after', 'error', 'terminal'] as const;
export type ReconcileOutcome = (typeof OUTCOMES)[number];

const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Metrics of a process, with controller-runtime's names, so that its dashboards work. */
export class ControllerMetrics implements CallObserver {
  private readonly depths = new Map<string, () => number>();
  private readonly total;
  private readonly errors;
  private readonly duration;
  private readonly workers;
  private readonly adds;
  private readonly retries;
  private readonly waits;
  private readonly works;
  private readonly leader;
  private readonly calls;

  constructor(registry: Registry) {
    const registers = [registry];
    const counter = <L extends string>(name: string, help: string, labelNames: L[]): Counter<L> =>
      new Counter({ name, help, labelNames, registers });
    const histogram = <L extends string>(name: string, help: string, labelNames: L[]): Histogram<L> =>
      new Histogram({ name, help, labelNames, registers, buckets: SECONDS });
    const gauge = <L extends string>(name: string, help: string, labelNames: L[]): Gauge<L> =>
      new Gauge({ name, help, labelNames, registers });
    this.total = counter('controller_runtime_reconcile_total', 'Reconciles by outcome', ['controller', 'result']);
    this.errors = counter('controller_runtime_reconcile_errors_total', 'Reconciles that failed', ['controller']);
    this.duration = histogram('controller_runtime_reconcile_time_seconds', 'Time of a reconcile', ['controller']);
    this.workers = gauge('controller_runtime_max_concurrent_reconciles', 'Concurrent reconciles', ['controller']);
    this.adds = counter('workqueue_adds_total', 'Keys added', ['name']);
    this.retries = counter('workqueue_retries_total', 'Keys put back after a failure', ['name']);
    this.waits = histogram('workqueue_queue_duration_seconds', 'How long a key waits for a worker', ['name']);
    this.works = histogram('workqueue_work_duration_seconds', 'How long a worker has a key', ['name']);
    this.leader = gauge('leader_election_master_status', '1 while this process leads', ['name']);
    const callLabels = ['verb', 'resource', 'code'];
    this.calls = counter('rest_client_requests_total', 'Calls of the Kubernetes API; code 0: no answer', callLabels);
    const { depths } = this;
    new Gauge({
      name: 'workqueue_depth',
      help: 'Keys that wait for a worker',
      labelNames: ['name'],
      registers,
      collect() {
        for (const [name, depth] of depths) this.set({ name }, depth());
      },
    });
  }

  /** Creates every series of a controller at its start: an absent one cannot be alerted on. */
  describe(controller: string, concurrency: number, depth: () => number): void {
    this.depths.set(controller, depth);
    this.workers.set({ controller }, concurrency);
    this.errors.inc({ controller }, 0);
    for (const result of OUTCOMES) this.total.inc({ controller, result }, 0);
  }

  reconciled(controller: string, result: ReconcileOutcome, seconds: number): void {
    this.total.inc({ controller, result });
    if (result === 'error' || result === 'terminal') this.errors.inc({ controller });
    this.duration.observe({ controller }, seconds);
    this.works.observe({ name: controller }, seconds);
  }

  queue(name: string): QueueObserver {
    return {
      added: () => {
        this.adds.inc({ name });
      },
      retried: () => {
        this.retries.inc({ name });
      },
      taken: (waitedSeconds) => {
        this.waits.observe({ name }, waitedSeconds);
      },
    };
  }

  called(verb: KubeVerb, resource: string, code: number): void {
    this.calls.inc({ verb, resource, code });
  }

  leads(name: string, leading: boolean): void {
    this.leader.set({ name }, leading ? 1 : 0);
  }
}
