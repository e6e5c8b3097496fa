import { isApiError } from '@fsb/api/errors';
import { type Sandbox } from '@fsb/api/sandbox';
import { currentSandboxId } from '@fsb/api/sandbox-id';
import { type EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { type Informer } from '@fsb/controller-runtime/informer';
import { SANDBOX_KIND, splitKey } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type Reconciler } from '@fsb/controller-runtime/reconciler';

export interface LateObjectParts {
  readonly sandboxes: Informer<Sandbox>;
  readonly client: KubeClient;
  readonly events: EventRecorder;
  /** As long as an object may still be on its way: that of the write-behind, then that of the adoption. */
  readonly rememberMs: number;
}

/** Of so many deletes at once the first are forgotten: then only whoever writes an object looks whether it is too late. */
const MAX_IDS = 10_000;

/**
 * Sandboxes that were deleted while they had no object. Another gateway, or an adoption, may be writing it in that moment
 * and die before it asks the agent: an object that appears after its container was deleted here is deleted too.
 */
export class LateObjects implements Reconciler {
  /** until when, Unix milliseconds, by sandbox id; the oldest first */
  private readonly deleted = new Map<string, number>();

  constructor(private readonly parts: LateObjectParts) {}

  add(sandboxId: string): void {
    const now = Date.now();
    for (const [id, until] of this.deleted) {
      if (until > now && this.deleted.size < MAX_IDS) break;
      this.deleted.delete(id);
    }
    this.deleted.set(sandboxId, now + this.parts.rememberMs);
  }

  isLate(key: string): boolean {
    if (this.deleted.size === 0) return false;
    const object = this.parts.sandboxes.get(key);
    if (!object || object.metadata.deletionTimestamp !== undefined) return false;
    return (this.deleted.get(currentSandboxId(object)) ?? 0) > Date.now();
  }

  async reconcile(key: string): Promise<void> {
    const object = this.parts.sandboxes.get(key);
    if (!object || !this.isLate(key)) return;
    const { uid = '' } = object.metadata;
    await this.parts.client.delete(SANDBOX_KIND, splitKey(key), { uid }).catch((error: unknown) => {
      if (!isApiError(error, 'not_found') && !isApiError(error, 'aborted')) throw error;
    });
    const message = `Sandbox ${currentSandboxId(object)} was deleted before its object was written`;
    this.parts.events.record(object, 'Normal', 'DeletedMeanwhile', message);
  }
}
