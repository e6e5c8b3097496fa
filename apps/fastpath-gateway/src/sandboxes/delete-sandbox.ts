import { Injectable } from '@nestjs/common';
import { AgentClient } from '@fsb/agent-api/agent-client';
import { ApiError, isApiError } from '@fsb/api/errors';
import { type DeleteRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type CallOptions, KubeClient } from '@fsb/controller-runtime/kube-client';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { NamesUnderWay } from '../create/names-under-way';
import { Catalog } from './catalog';
import { namespaceName, objectName } from './field-rules';
import { PendingRecords } from './pending-records';
import { requireId } from './sandbox-queries';
import { viewOfObject } from './sandbox-view';

interface NamedKey {
  readonly namespace: string;
  readonly name: string;
}

/** "Ensure absent": repeating it, and finding nothing, is success. */
@Injectable()
export class DeleteSandbox {
  constructor(
    private readonly catalog: Catalog,
    private readonly names: NamesUnderWay,
    private readonly records: PendingRecords,
    private readonly client: KubeClient,
    private readonly agents: AgentClient,
  ) {}

  /**
   * @param deadline Unix milliseconds
   * @throws ApiError failed_precondition, invalid_argument; unavailable where it may be on an agent that is out of reach
   */
  async delete({ sandboxName, namespace: given, sandboxId }: DeleteRequest, deadline: number): Promise<void> {
    const name = objectName('sandbox_name', sandboxName);
    const namespace = namespaceName(given);
    await this.names.ended(`${namespace}/${name}`, deadline);
    const known = this.catalog.find(namespace, name);
    if (known) requireId(known, sandboxId);
    const limit = { deadlineMs: Math.max(1, deadline - Date.now()) };
    const wasPending = await this.cancel(namespace, name, sandboxId);
    const hadObject = await this.deleteObject({ namespace, name }, sandboxId, limit);
    if (known || wasPending || hadObject || this.catalog.isComplete(namespace)) return;
    const message = `sandbox "${name}" is not known here, but some agents of namespace "${namespace}" are out of reach; try again`;
    throw new ApiError('unavailable', message, { retryDelayMs: 1000 });
  }

  /** Containers without an object: the one that is being recorded, and those that another replica made. */
  private async cancel(namespace: string, name: string, sandboxId: string): Promise<boolean> {
    const record = this.records.get(`${namespace}/${name}`);
    if (record) {
      record.cancelled = true;
      await this.agents.delete(record.agent.address, record.sandboxId);
    }
    for (const { agent, sandbox } of this.catalog.unbound(namespace, name)) {
      if (sandboxId !== '' && sandbox.sandboxId !== sandboxId) continue; // another that has the name
      await this.agents.delete(agent.address, sandbox.sandboxId);
    }
    return record !== undefined;
  }

  /** Asked live, whatever the cache says: the name may be a moment old. */
  private async deleteObject(key: NamedKey, sandboxId: string, limit: CallOptions): Promise<boolean> {
    try {
      const uid = await this.uidOf(key, sandboxId, limit);
      await this.client
        .delete(SANDBOX_KIND, key, uid === undefined ? {} : { uid }, limit)
        .catch(async (error: unknown) => {
          const meantIsGone = isApiError(error, 'aborted') && (await this.hasAnotherUid(key, uid, limit));
          if (!meantIsGone) throw error;
        });
      return true;
    } catch (error) {
      if (isApiError(error, 'not_found')) return false;
      throw error;
    }
  }

  /** A conflict alone does not say that the one that was meant is gone. */
  private async hasAnotherUid(key: NamedKey, uid: string | undefined, limit: CallOptions): Promise<boolean> {
    if (uid === undefined) return false;
    return (await this.client.get(SANDBOX_KIND, key, limit)).metadata.uid !== uid;
  }

  /** Which object of that name is meant; undefined: whichever there is. @throws ApiError failed_precondition, not_found */
  private async uidOf(key: NamedKey, sandboxId: string, limit: CallOptions): Promise<string | undefined> {
    const cached = this.catalog.object(`${key.namespace}/${key.name}`);
    if (cached || sandboxId === '') return cached?.metadata.uid;
    const object = await this.client.get(SANDBOX_KIND, key, limit);
    requireId(viewOfObject(object), sandboxId);
    return object.metadata.uid;
  }
}
