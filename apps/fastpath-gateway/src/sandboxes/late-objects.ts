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
  /**
   * Milliseconds for which a delete is remembered: as long as the write-behind, then an adoption, may write an object.
   */
  readonly rememberMs: number;
}

/**
 * Deletes remembered. Beyond this the oldest are dropped; a late object is then found only by the process that writes
 * it.
 */
const MAX_IDS = 10_000;

/**
 * Deletes late objects: those that appear after their container was deleted here. Another gateway or an adoption may
 * have been writing the object at that moment, and died before it asked the agent.
 */
export class LateObjects implements Reconciler {
  /** Unix milliseconds until which a delete is remembered, by sandbox id; the oldest first */
  private readonly deleted = new Map<string, number>();

  constructor(private readonly parts: LateObjectParts) {}

  /** Remembers that a sandbox without an object was deleted. */
  add(sandboxId: string): void {
    const now = Date.now();
    for (const [id, until] of this.deleted) {
      if (until > now && this.deleted.size < MAX_IDS) break;
      this.deleted.delete(id);
    }
    this.deleted.set(sandboxId, now + this.parts.rememberMs);
  }

  /** Whether the object of `key` belongs to a sandbox that was deleted here, and is not being deleted itself. */
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
