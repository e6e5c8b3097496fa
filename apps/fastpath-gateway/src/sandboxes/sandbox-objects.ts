import { Injectable } from '@nestjs/common';
import { isApiError } from '@fsb/api/errors';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient } from '@fsb/controller-runtime/kube-client';
import { PendingRecords } from './pending-records';

/** Reads Sandbox objects from the API server. */
@Injectable()
export class SandboxObjects {
  constructor(
    private readonly records: PendingRecords,
    private readonly client: KubeClient,
  ) {}

  /**
   * The object of a name as JSON, as `kubectl get -o json` prints it; waits for its pending write first.
   * @param deadline Unix milliseconds
   * @returns empty when the sandbox has no object yet
   * @throws ApiError unavailable, or deadline_exceeded, when the API server does not answer
   */
  async json(namespace: string, name: string, deadline: number): Promise<string> {
    await this.records.settled(`${namespace}/${name}`, deadline);
    try {
      const limit = { deadlineMs: Math.max(1, deadline - Date.now()) };
      const { metadata, ...object } = await this.client.get(SANDBOX_KIND, { namespace, name }, limit);
      // kubectl omits managedFields too
      return JSON.stringify({ ...object, metadata: { ...metadata, managedFields: undefined } });
    } catch (error) {
      if (isApiError(error, 'not_found')) return '';
      throw error;
    }
  }
}
