import { Logger } from '@nestjs/common';
import { type AgentClient } from '@fsb/agent-api/agent-client';
import { ApiError, type ErrorCode, isApiError, messageOf } from '@fsb/api/errors';
import { CREATE_TIMESTAMP_ANNOTATION, TIMINGS_ANNOTATION } from '@fsb/api/labels';
import { API_VERSION, type Sandbox } from '@fsb/api/sandbox';
import { currentSandboxId } from '@fsb/api/sandbox-id';
import { type Traffic } from '@fsb/component-base/traffic';
import { type EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type Reconciler } from '@fsb/controller-runtime/reconciler';
import { runningStatus, sandboxObject } from '@fsb/placement/sandbox-object';
import { templateOf } from '../create/create-order';
import { timingsOf } from '../create/timings';
import { type PendingRecord, type PendingRecords } from './pending-records';

export interface RecordParts {
  readonly client: KubeClient;
  readonly agents: AgentClient;
  readonly events: EventRecorder;
  readonly records: PendingRecords;
  /** the creates, which objects keep out of the way of */
  readonly traffic: Traffic;
  /** After so long without an answer the sandbox-controller adopts instead. */
  readonly giveUpAfterMs: number;
}

/** An answer, and a final one: the object will not come to be. Anything else is tried again. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'invalid_argument',
  'permission_denied',
  'failed_precondition',
  'not_found',
]);

/** An object waits for a lull of the creates, but no longer than this: many writers would starve behind steady traffic. */
const LATEST_MS = 250;

/** The Kubernetes object behind a FAST create: object, status, then the agent is told its uid. A queue's reconciler. */
export class RecordSandbox implements Reconciler {
  private readonly logger = new Logger(RecordSandbox.name);

  constructor(private readonly parts: RecordParts) {}

  async reconcile(key: string): Promise<void> {
    const record = this.parts.records.get(key);
    if (!record) return;
    await this.parts.traffic.lull(record.since + LATEST_MS - Date.now());
    try {
      await this.attempt(record);
    } catch (error) {
      if (Date.now() - record.since < this.parts.giveUpAfterMs) throw error;
      this.logger.warn({ msg: 'left to be adopted', key, error: messageOf(error) });
    }
    this.parts.records.remove(key);
  }

  private async attempt(record: PendingRecord): Promise<void> {
    try {
      await this.write(record);
    } catch (error) {
      if (!isApiError(error) || !REFUSALS.has(error.code)) throw error;
      await this.refuse(record, error.message);
    }
  }

  private async write(record: PendingRecord): Promise<void> {
    const { agent, sandboxId } = record;
    const object = record.cancelled ? undefined : await this.ensureObject(record);
    if (!object || isCancelled(record)) {
      await this.ensureNoObject(record);
      return;
    }
    if (object.status?.phase === undefined) await this.writeStatus(record, object);
    // an agent that is gone or silent is told by the sandbox-controller, which sees it unbound
    const claimUid = object.metadata.uid ?? '';
    const isThere = await this.parts.agents.bind(agent, { sandboxId, claimUid }).catch(() => true);
    if (!isThere) await this.undo(record, claimUid);
  }

  /** Somebody deleted it meanwhile; an earlier try may have written the object although its answer was lost. */
  private async ensureNoObject({ order, sandboxId }: PendingRecord): Promise<void> {
    const key = { namespace: order.namespace, name: order.name };
    try {
      const existing = await this.parts.client.get(SANDBOX_KIND, key);
      if (currentSandboxId(existing) !== sandboxId) return;
      const { uid } = existing.metadata;
      await this.parts.client.delete(SANDBOX_KIND, key, uid === undefined ? {} : { uid });
    } catch (error) {
      if (!isApiError(error, 'not_found') && !isApiError(error, 'aborted')) throw error;
    }
  }

  private async ensureObject(record: PendingRecord): Promise<Sandbox> {
    const { order, agent, createdAt, sandboxId } = record;
    const { name, namespace } = order;
    try {
      const object = sandboxObject({ name, namespace, template: templateOf(order), agent, createdAt });
      const annotations = { ...object.metadata.annotations, [TIMINGS_ANNOTATION]: timingsOf(record.stages) };
      const timed = { ...object, metadata: { ...object.metadata, annotations } };
      return await this.parts.client.create(SANDBOX_KIND, timed);
    } catch (error) {
      if (!isApiError(error, 'already_exists')) throw error;
    }
    const existing = await this.parts.client.get(SANDBOX_KIND, { namespace, name }).catch(absentIsFine);
    if (!existing) throw new ApiError('aborted', `the one that had the name ${namespace}/${name} is gone: once more`);
    // an earlier try whose answer was lost, or the sandbox-controller's adoption: both carry this create's own nanoseconds
    const nanos = order.createdNanos.toString();
    const isOurs =
      currentSandboxId(existing) === sandboxId ||
      existing.metadata.annotations?.[CREATE_TIMESTAMP_ANNOTATION] === nanos;
    if (isOurs) return existing;
    throw new ApiError('failed_precondition', `the name ${namespace}/${name} was taken by another Sandbox`);
  }

  private async writeStatus({ order, agent, sandboxId, createdAt }: PendingRecord, object: Sandbox): Promise<void> {
    const sandbox = { sandboxId, createdAt, phase: 'running' as const };
    const status = runningStatus({ agent, sandbox, ports: order.spec.exposedPorts ?? [] });
    try {
      await this.parts.client.updateStatus(SANDBOX_KIND, { ...object, status });
    } catch (error) {
      if (isApiError(error, 'aborted') || isApiError(error, 'not_found')) return; // the sandbox-controller was faster
      throw error;
    }
  }

  /** Another replica was asked to delete it, and found no object yet: the one that was written since must not stay. */
  private async undo({ order, sandboxId }: PendingRecord, uid: string): Promise<void> {
    const { client, events } = this.parts;
    const { namespace, name } = order;
    const key = { namespace, name };
    const object = await client.get(SANDBOX_KIND, key).catch(absentIsFine);
    // one that has gone on from there (reset, expired) is its controller's
    if (object?.metadata.uid !== uid || object.spec.resetRevision !== undefined) return;
    if (object.status?.sandboxID !== sandboxId || isExpired(object)) return;
    await client.delete(SANDBOX_KIND, key, { uid }).catch(absentIsFine);
    events.record(
      object,
      'Normal',
      'DeletedMeanwhile',
      `Sandbox ${sandboxId} was deleted while its object was written`,
    );
  }

  private async refuse({ order, agent, sandboxId }: PendingRecord, why: string): Promise<void> {
    const { name, namespace } = order;
    await this.parts.agents.delete(agent, sandboxId);
    this.logger.warn({ msg: 'object refused, sandbox removed', namespace, name, why });
    const object = { apiVersion: API_VERSION, kind: 'Sandbox', metadata: { namespace, name } };
    this.parts.events.record(object, 'Warning', 'ObjectRefused', `Sandbox ${sandboxId} was removed: ${why}`);
  }
}

/** Its controller has ended the container then, and keeps the object. */
function isExpired({ spec: { expireTime } }: Sandbox): boolean {
  return expireTime !== undefined && Date.parse(expireTime) <= Date.now();
}

/** Read anew: a delete may have come while the object was being written. */
function isCancelled(record: PendingRecord): boolean {
  return record.cancelled;
}

/** @returns undefined where there is none */
function absentIsFine(error: unknown): undefined {
  if (!isApiError(error, 'not_found')) throw error;
  return undefined;
}
