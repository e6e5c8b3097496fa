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
import { templateOfCreate } from '../create/validated-create';
import { timingsOf } from '../create/timings';
import { type PendingRecord, type PendingRecords } from './pending-records';

export interface RecordParts {
  readonly client: KubeClient;
  readonly agents: AgentClient;
  readonly events: EventRecorder;
  readonly records: PendingRecords;
  /** traffic of creates: objects are written in its lulls */
  readonly traffic: Traffic;
  /** milliseconds after which a record is left to adoption by the sandbox-controller */
  readonly giveUpAfterMs: number;
}

/** Errors that are final: the object cannot be written, and the sandbox is removed. All others are retried. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'invalid_argument',
  'permission_denied',
  'failed_precondition',
  'not_found',
]);

/** Longest wait for a lull of the creates, in milliseconds: behind steady traffic writers would starve. */
const LATEST_MS = 250;

/** Writes the Sandbox object of a FAST create, then its status, then binds the container to its uid. */
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
    // when the agent is out of reach, the sandbox-controller binds the container, which it sees unbound
    const claimUid = object.metadata.uid ?? '';
    const isThere = await this.parts.agents.bind(agent, { sandboxId, claimUid }).catch(() => true);
    if (!isThere) await this.undo(record, claimUid);
  }

  /**
   * Deletes the object of a sandbox that was deleted meanwhile: an earlier attempt may have written it and lost the
   * answer.
   */
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
      const object = sandboxObject({ name, namespace, template: templateOfCreate(order), agent, createdAt });
      const annotations = { ...object.metadata.annotations, [TIMINGS_ANNOTATION]: timingsOf(record.stages) };
      const timed = { ...object, metadata: { ...object.metadata, annotations } };
      return await this.parts.client.create(SANDBOX_KIND, timed);
    } catch (error) {
      if (!isApiError(error, 'already_exists')) throw error;
    }
    const existing = await this.parts.client.get(SANDBOX_KIND, { namespace, name }).catch(absentIsFine);
    if (!existing) throw new ApiError('aborted', `Sandbox ${namespace}/${name} was in the way and is gone; retrying`);
    // ours, by an earlier attempt whose answer was lost, or by adoption: both have the nanoseconds of this create
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
      // the sandbox-controller or a delete came first
      if (isApiError(error, 'aborted') || isApiError(error, 'not_found')) return;
      throw error;
    }
  }

  /** Deletes the object of a sandbox that another replica deleted before the object existed. */
  private async undo({ order, sandboxId }: PendingRecord, uid: string): Promise<void> {
    const { client, events } = this.parts;
    const { namespace, name } = order;
    const key = { namespace, name };
    const object = await client.get(SANDBOX_KIND, key).catch(absentIsFine);
    // an object that has moved on (reset, expired) belongs to its controller
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

/** Whether the object's time is over: its controller has then ended the container, and keeps the object. */
function isExpired({ spec: { expireTime } }: Sandbox): boolean {
  return expireTime !== undefined && Date.parse(expireTime) <= Date.now();
}

/** Reads the flag again: a delete may have come while the object was being written. */
function isCancelled(record: PendingRecord): boolean {
  return record.cancelled;
}

/** @returns undefined for not_found; rethrows every other error */
function absentIsFine(error: unknown): undefined {
  if (!isApiError(error, 'not_found')) throw error;
  return undefined;
}
