import { type AgentClient } from '@fsb/agent-api/agent-client';
import { type AgentEndpoint } from '@fsb/agent-api/agent-endpoint';
import { ApiError, isApiError } from '@fsb/api/errors';
import { type DeleteRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type CallOptions, type KubeClient } from '@fsb/controller-runtime/kube-client';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { type Sandbox } from '@fsb/api/sandbox';
import { knownSandboxId } from '@fsb/api/sandbox-id';
import { type CreatesInFlight } from '../create/creates-in-flight';
import { type AgentDeletes } from './agent-deletes';
import { type Catalog } from './catalog';
import { namespaceName, objectName, sandboxIdOrNone } from './field-rules';
import { type LateObjects } from './late-objects';
import { type PendingRecords } from './pending-records';
import { idMismatch } from './sandbox-queries';

/** What a look under the name found: the sandbox to delete, one with another id, or none. */
type Found = 'meant' | 'another' | 'nothing';

interface NamedKey {
  readonly namespace: string;
  readonly name: string;
}

export interface DeleteParts {
  readonly catalog: Catalog;
  readonly underWay: CreatesInFlight;
  readonly deletes: AgentDeletes;
  readonly records: PendingRecords;
  readonly lateObjects: LateObjects;
  readonly client: KubeClient;
  readonly agents: AgentClient;
}

/** Idempotent delete by name: a repeated delete, and one that finds nothing, is success. */
export class DeleteSandbox {
  constructor(private readonly parts: DeleteParts) {}

  /**
   * Deletes containers and object of a name, and ends a create of it that is in flight.
   * @param deadline Unix milliseconds
   * @throws ApiError invalid_argument, when a field is malformed
   * @throws ApiError failed_precondition, when the name has a sandbox with another id
   * @throws ApiError unavailable, when the sandbox may be on an agent that is out of reach
   */
  async delete({ sandboxName, namespace: given, sandboxId: wantedId }: DeleteRequest, deadline: number): Promise<void> {
    const name = objectName('sandbox_name', sandboxName);
    const namespace = namespaceName(given);
    const sandboxId = sandboxIdOrNone('sandbox_id', wantedId);
    const wasUnderWay = sandboxId === '' && (await this.parts.underWay.delete(`${namespace}/${name}`, deadline));
    const limit = { deadlineMs: Math.max(1, deadline - Date.now()) };
    const found = await this.deleteWhatIs({ namespace, name }, sandboxId, limit);
    let isComplete = true;
    // a create may be on its way to an agent, or an object to the API server: have agents refuse the name, look again
    if (wasUnderWay || !found.includes('meant')) {
      const wanted = sandboxId === '' ? {} : { sandboxId };
      const absence = await this.parts.deletes.ensureAbsent({ namespace, name, ...wanted });
      isComplete = absence.isComplete;
      found.push(...absence.ended.map(() => 'meant' as const));
      found.push(...(await this.deleteWhatIs({ namespace, name }, sandboxId, limit)));
      this.parts.catalog.forgetReservation(namespace, name);
    }
    if (found.includes('meant') && isComplete) return;
    if (found.includes('another') && !found.includes('meant')) throw idMismatch(name, sandboxId);
    if (isComplete && this.parts.catalog.isComplete(namespace)) return;
    const message = `sandbox "${name}" is not known here, but some agents of namespace "${namespace}" are out of reach; try again`;
    throw new ApiError('unavailable', message, { retryDelayMs: 1000 });
  }

  private async deleteWhatIs(key: NamedKey, sandboxId: string, limit: CallOptions): Promise<Found[]> {
    const containers = await this.deleteContainers(key, sandboxId);
    return [...containers, await this.deleteObject(key, sandboxId, limit)].filter((found) => found !== 'nothing');
  }

  /** Deletes containers without an object: that of the pending record, and unbound ones that another replica made. */
  private async deleteContainers({ namespace, name }: NamedKey, wanted: string): Promise<Found[]> {
    const record = this.parts.records.get(`${namespace}/${name}`);
    const containers = new Map<string, AgentEndpoint>();
    for (const { agent, sandbox } of this.parts.catalog.unbound(namespace, name)) {
      containers.set(sandbox.sandboxId, agent);
    }
    if (record) containers.set(record.sandboxId, record.agent);
    const found: Found[] = [];
    for (const [sandboxId, agent] of containers) {
      const isMeant = wanted === '' || wanted === sandboxId;
      found.push(isMeant ? 'meant' : 'another');
      if (!isMeant) continue;
      if (record?.sandboxId === sandboxId) record.cancelled = true;
      this.parts.lateObjects.add(sandboxId);
      await this.parts.agents.delete(agent, sandboxId);
    }
    return found;
  }

  /** Deletes the object at the API server even when the cache has none: it may have been written a moment ago. */
  private async deleteObject(key: NamedKey, sandboxId: string, limit: CallOptions): Promise<Found> {
    try {
      const object = await this.meantObject(key, sandboxId, limit);
      if (object && sandboxId !== '' && knownSandboxId(object) !== sandboxId) return 'another';
      const uid = object?.metadata.uid;
      await this.parts.client
        .delete(SANDBOX_KIND, key, uid === undefined ? {} : { uid }, limit)
        .catch(async (error: unknown) => {
          const meantIsGone = isApiError(error, 'aborted') && (await this.hasAnotherUid(key, uid, limit));
          if (!meantIsGone) throw error;
        });
      return 'meant';
    } catch (error) {
      if (isApiError(error, 'not_found')) return 'nothing';
      throw error;
    }
  }

  /** Whether the name now has another uid. A conflict alone does not prove that the object that was meant is gone. */
  private async hasAnotherUid(key: NamedKey, uid: string | undefined, limit: CallOptions): Promise<boolean> {
    if (uid === undefined) return false;
    return (await this.parts.client.get(SANDBOX_KIND, key, limit)).metadata.uid !== uid;
  }

  /**
   * The object that is meant; undefined: any of that name. A precondition is checked at the API server, not in the
   * cache.
   */
  private async meantObject(key: NamedKey, sandboxId: string, limit: CallOptions): Promise<Sandbox | undefined> {
    if (sandboxId === '') return this.parts.catalog.object(`${key.namespace}/${key.name}`);
    return this.parts.client.get(SANDBOX_KIND, key, limit);
  }
}
