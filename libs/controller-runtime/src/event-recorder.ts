import { hostname } from 'node:os';
import { Logger } from '@nestjs/common';
import { isApiError, messageOf } from '@fsb/api/errors';
import { setBounded } from '@fsb/kit/set-bounded';
import { rfc3339 } from '@fsb/kit/times';
import { EVENT_KIND, type KubeEvent, type KubeObject } from './kinds';
import { type KubeClient } from './kube-client';
import { WorkQueue } from './work-queue';

interface Entry {
  readonly event: KubeEvent;
  count: number;
  last: Date;
  written: boolean;
  /** failed writes since the last success */
  attempts: number;
}

/** Events remembered. Beyond this the oldest are dropped: an Event is a hint, not a record. */
const MAX_ENTRIES = 512;
/** Delay of writing a repeat, which is counted at once. */
const REPEAT_MS = 10_000;
const MAX_ATTEMPTS = 3;
const WRITE_DEADLINE_MS = 5_000;
/** The API's limit. */
const MAX_MESSAGE = 1024;

/** Writes Events in the background. A repeat increments the count of the existing Event. */
export class EventRecorder {
  private readonly logger = new Logger('EventRecorder');
  private readonly queue = new WorkQueue({ baseDelayMs: 500 });
  private readonly entries = new Map<string, Entry>();
  private worker: Promise<void> | undefined;

  constructor(
    private readonly client: KubeClient,
    private readonly component: string,
  ) {}

  /** Queues an Event; never throws. It is dropped after three failed writes, or the first that the API refuses. */
  record(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.worker ??= this.work();
    const now = new Date();
    const key = [object.kind, object.metadata.namespace, object.metadata.name, object.metadata.uid, reason, message];
    const id = key.join('\0');
    const known = this.entries.get(id);
    if (known) {
      known.count++;
      known.last = now;
      this.queue.addAfter(id, REPEAT_MS);
      return;
    }
    const event = this.makeEvent(object, type, { reason, message }, now);
    setBounded(this.entries, id, { event, count: 1, last: now, written: false, attempts: 0 }, MAX_ENTRIES);
    this.queue.add(id);
  }

  /** Finishes the write in flight, and drops the rest. */
  async stop(): Promise<void> {
    this.queue.close();
    await this.worker;
  }

  private async work(): Promise<void> {
    for (let id = await this.queue.get(); id !== undefined; id = await this.queue.get()) {
      const entry = this.entries.get(id);
      if (entry) await this.tryWrite(id, entry);
      if (!this.entries.has(id)) this.queue.forget(id); // dropped, maybe by newer ones during its retries
      this.queue.done(id);
    }
  }

  private async tryWrite(id: string, entry: Entry): Promise<void> {
    try {
      await this.write(entry);
      entry.attempts = 0;
      this.queue.forget(id);
    } catch (error) {
      const lost =
        ++entry.attempts >= MAX_ATTEMPTS || isApiError(error, 'invalid_argument') || isApiError(error, 'not_found');
      if (!lost) {
        this.queue.addRateLimited(id);
        return;
      }
      this.entries.delete(id);
      this.logger.warn({ msg: 'event dropped', reason: entry.event.reason, error: messageOf(error) });
    }
  }

  private async write(entry: Entry): Promise<void> {
    const { event, count } = entry;
    const fresh = { count, lastTimestamp: rfc3339(entry.last) };
    const limit = { deadlineMs: WRITE_DEADLINE_MS };
    if (entry.written) {
      const key = { namespace: event.metadata.namespace ?? '', name: event.metadata.name ?? '' };
      try {
        await this.client.patch(EVENT_KIND, key, fresh, limit);
        return;
      } catch (error) {
        if (!isApiError(error, 'not_found')) throw error; // it has expired: create it anew
      }
    }
    try {
      await this.client.create(EVENT_KIND, { ...event, ...fresh }, limit);
    } catch (error) {
      if (!isApiError(error, 'already_exists')) throw error; // the answer to an earlier try was lost
    }
    entry.written = true;
  }

  private makeEvent(
    object: KubeObject,
    type: 'Normal' | 'Warning',
    { reason, message }: { reason: string; message: string },
    now: Date,
  ): KubeEvent {
    const { name = '', namespace = 'default', uid } = object.metadata;
    return {
      metadata: {
        namespace,
        name: `${name.slice(0, 200)}.${process.hrtime.bigint().toString(16)}${process.pid.toString(16)}`,
      },
      involvedObject: {
        namespace,
        name,
        ...(object.apiVersion === undefined ? {} : { apiVersion: object.apiVersion }),
        ...(object.kind === undefined ? {} : { kind: object.kind }),
        ...(uid === undefined ? {} : { uid }),
      },
      type,
      reason,
      message: message.slice(0, MAX_MESSAGE),
      source: { component: this.component, host: hostname() },
      reportingComponent: this.component,
      reportingInstance: hostname(),
      firstTimestamp: rfc3339(now),
    };
  }
}
