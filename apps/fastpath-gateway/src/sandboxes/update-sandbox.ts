import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { ApiError, isApiError } from '@fsb/api/errors';
import { type UpdateRequest, type UpdateResponse } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type Sandbox } from '@fsb/api/sandbox';
import { type KubeObject, type ObjectKey, SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { type CallOptions, KubeClient } from '@fsb/controller-runtime/kube-client';
import { KubeError } from '@fsb/controller-runtime/kube-error';
import { failurePolicyName } from '../create/validated-create';
import { Catalog } from './catalog';
import { checkLabels, instant, invalid, namespaceName, objectName, recoveryTimeout, shown } from './field-rules';
import { PendingRecords } from './pending-records';
import { notFound, requireId } from './sandbox-queries';
import { viewOfObject } from './sandbox-view';

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

const TRIES = 5;
/** Interval between looks for an object in the cache. */
const LOOK_AGAIN_MS = 50;
/** Milliseconds before the deadline that a waiting call leaves for the API server. */
const ANSWER_MS = 1_000;

/** Patches one setting, or the labels, of the object; the controllers act on it. */
@Injectable()
export class UpdateSandbox {
  constructor(
    private readonly catalog: Catalog,
    private readonly records: PendingRecords,
    private readonly client: KubeClient,
  ) {}

  /**
   * Updates a sandbox.
   * @param deadline Unix milliseconds
   * @returns `success: false` for not found, for conflicts, and for a new expiry of a sandbox that ends; the first two
   *   as in the Go predecessor
   * @throws ApiError invalid_argument, when a field is malformed
   * @throws ApiError failed_precondition, when the sandbox has another id
   * @throws ApiError with the code of the API server's other errors
   */
  async update(request: UpdateRequest, deadline: number): Promise<UpdateResponse> {
    const key = { namespace: namespaceName(request.namespace), name: objectName('sandbox_name', request.sandboxName) };
    const patch = patchOf(request);
    const isLife = request.update?.$case === 'expireTimeSeconds';
    await this.records.settled(`${key.namespace}/${key.name}`, deadline);
    await this.written(key, deadline);
    const limit = { deadlineMs: Math.max(1, deadline - Date.now()) };
    try {
      const updated = await this.patch(key, patch, { sandboxId: request.sandboxId, isLife }, limit);
      if ('ended' in updated) return refusal(`failed to update sandbox: ${updated.ended}`);
      return { success: true, message: 'sandbox updated successfully', sandbox: viewOfObject(updated) };
    } catch (error) {
      if (isApiError(error, 'not_found')) {
        return refusal(`failed to get sandbox: ${notFound(key.namespace, key.name).message}`);
      }
      if (isApiError(error, 'aborted')) {
        return refusal(`failed to update sandbox: other writers changed it ${TRIES} times meanwhile; try again`);
      }
      if (error instanceof KubeError) throw new ApiError(error.code, error.said, { cause: error });
      throw error;
    }
  }

  /** Waits for the object of a container that another replica made; that replica or an adoption will write it. */
  private async written({ namespace = '', name }: ObjectKey, deadline: number): Promise<void> {
    const isComing = (): boolean =>
      this.catalog.object(`${namespace}/${name}`) === undefined && this.catalog.unbound(namespace, name).length > 0;
    while (isComing() && Date.now() < deadline - ANSWER_MS) await sleep(LOOK_AGAIN_MS);
  }

  /**
   * Patches the object; after a conflict with another writer, such as a controller, checks the precondition and
   * retries.
   */
  private async patch(
    key: ObjectKey,
    patch: Patch,
    precondition: Precondition,
    limit: CallOptions,
  ): Promise<Sandbox | { readonly ended: string }> {
    for (let tries = 1; ; tries++) {
      try {
        const seen = await this.seen(key, precondition, limit);
        if ('ended' in seen) return seen;
        const metadata = { ...patch.metadata, ...seen };
        return await this.client.patch(SANDBOX_KIND, key, { ...patch, metadata }, limit);
      } catch (error) {
        if (tries === TRIES || !isApiError(error, 'aborted')) throw error;
      }
    }
  }

  /**
   * Checks the precondition.
   * @returns the version that the patch must name, if it has a precondition; or why the update is impossible
   * @throws ApiError failed_precondition, when the sandbox has another id
   */
  private async seen(
    key: ObjectKey,
    { sandboxId, isLife }: Precondition,
    limit: CallOptions,
  ): Promise<{ readonly resourceVersion?: string } | { readonly ended: string }> {
    if (sandboxId === '' && !isLife) return {};
    const object = await this.client.get(SANDBOX_KIND, key, limit);
    if (sandboxId !== '') requireId(viewOfObject(object), sandboxId);
    const ended = isLife ? whyOver(object, Date.now()) : undefined;
    if (ended !== undefined) return { ended };
    const { resourceVersion } = object.metadata;
    return resourceVersion === undefined ? {} : { resourceVersion };
  }
}

/**
 * Precondition of a patch. The patch names the version for which it was checked, so that nothing changes in between.
 */
interface Precondition {
  /** empty: any */
  readonly sandboxId: string;
  /** whether the patch sets the expiry, which a sandbox that is ending cannot have */
  readonly isLife: boolean;
}

/** @returns why the sandbox's life cannot be extended; undefined when it can */
function whyOver({ metadata, spec, status }: Sandbox, now: number): string | undefined {
  if (metadata.deletionTimestamp !== undefined) return 'it is being deleted; create another one';
  const isEnding = status?.phase === 'Terminating' && status.reason === 'Expired';
  const isPast = spec.expireTime !== undefined && Date.parse(spec.expireTime) <= now;
  if (status?.phase === 'Expired' || isEnding || isPast) return 'its time is over; create another one';
  return undefined;
}

function refusal(message: string): UpdateResponse {
  return { success: false, message, sandbox: undefined };
}

interface Patch {
  readonly metadata: Partial<KubeObject['metadata']>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** The JSON merge patch of a request: null removes a field. @throws ApiError invalid_argument */
function patchOf({ update, labels }: UpdateRequest): Patch {
  checkLabels(labels);
  const hasLabels = Object.keys(labels).length > 0;
  if (!update && !hasLabels) {
    throw invalid(
      'update',
      'one of expire_time_seconds, reset_revision, failure_policy, recovery_timeout_seconds, or labels, is required',
    );
  }
  const metadata = hasLabels ? { labels } : {};
  return update ? { metadata, spec: specPatch(update) } : { metadata };
}

function specPatch(update: NonNullable<UpdateRequest['update']>): Record<string, unknown> {
  switch (update.$case) {
    case 'expireTimeSeconds':
      return { expireTime: update.value === 0 ? null : instant('expire_time_seconds', update.value) };
    case 'resetRevision':
      if (RFC3339.test(update.value) && !Number.isNaN(Date.parse(update.value))) return { resetRevision: update.value };
      throw invalid('reset_revision', `"${shown(update.value)}" must be RFC 3339, as in 2026-01-31T12:00:00Z`);
    case 'failurePolicy':
      return { failurePolicy: failurePolicyName(update.value) };
    case 'recoveryTimeoutSeconds':
      return { recoveryTimeoutSeconds: recoveryTimeout(update.value) };
  }
}
