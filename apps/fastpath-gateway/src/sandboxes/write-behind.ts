import { type Informer } from '@fsb/controller-runtime/informer';
import { Controller } from '@fsb/controller-runtime/controller';
import { type ControllerMetrics } from '@fsb/controller-runtime/metrics';
import { type Sandbox } from '@fsb/api/sandbox';
import { type LateObjects } from './late-objects';
import { type PendingRecord, type PendingRecords } from './pending-records';
import { type RecordSandbox } from './record-sandbox';

export interface WriteBehindParts {
  readonly records: PendingRecords;
  readonly recordSandbox: RecordSandbox;
  readonly lateObjects: LateObjects;
  readonly sandboxes: Informer<Sandbox>;
  readonly metrics: ControllerMetrics;
}

/** Concurrent writes of records. The connection pool is shared with the informers. */
const RECORD_CONCURRENCY = 16;
const LATE_CONCURRENCY = 2;

/**
 * Controllers of the work that a gateway does in the API after its answer: records of creates, late objects of deletes.
 */
export class WriteBehind {
  readonly controllers: readonly Controller[];
  private readonly recording: Controller;

  constructor(private readonly parts: WriteBehindParts) {
    const { records, recordSandbox, lateObjects, sandboxes, metrics } = parts;
    const queue = { baseDelayMs: 100, maxDelayMs: 5_000 };
    const concurrency = RECORD_CONCURRENCY;
    const traceOf = (key: string): string | undefined => records.get(key)?.order.traceparent;
    this.recording = new Controller(recordSandbox, { name: 'record-sandbox', concurrency, metrics, queue, traceOf });
    const late = new Controller(lateObjects, { name: 'late-objects', concurrency: LATE_CONCURRENCY, metrics });
    sandboxes.onChange((key) => {
      if (lateObjects.isLate(key)) late.queue.add(key);
    });
    this.controllers = [this.recording, late];
  }

  /** Queues a record to be written. When there is no room, the sandbox-controller adopts the sandbox instead. */
  record(record: PendingRecord): void {
    const key = `${record.order.namespace}/${record.order.name}`;
    if (this.parts.records.add(key, record)) this.recording.queue.add(key);
  }
}
