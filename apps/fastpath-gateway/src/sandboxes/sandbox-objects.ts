import { Injectable } from '@nestjs/common';
import { isApiError } from '@fsb/api/errors';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient } from '@fsb/controller-runtime/kube-client';
import { PendingRecords } from './pending-records';

/** Sandbox objects as the API server has them. */
@Injectable()
export class SandboxObjects {
  constructor(
    private readonly records: PendingRecords,
    private readonly client: KubeClient,
  ) {}

  /**
   * The object of a name, after its pending write, as JSON like that of `kubectl get -o json`.
   * @param deadline Unix milliseconds
   * @returns empty where the sandbox has no object yet
   * @throws ApiError unavailable, deadline_exceeded
   */
  async json(namespace: string, name: string, deadline: number): Promise<string> {
    await this.records.settled(`${namespace}/${name}`, deadline);
    try {
      const limit = { deadlineMs: Math.max(1, deadline - Date.now()) };
      const { metadata, ...object } = await this.client.get(SANDBOX_KIND, { namespace, name }, limit);
      // kubectl leaves them out too
      return JSON.stringify({ ...object, metadata: { ...metadata, managedFields: undefined } });
    } catch (error) {
      if (isApiError(error, 'not_found')) return '';
      throw error;
    }
  }
}
