import { type StoredObject } from '../kube-object';
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from '../rest/deletion';
import { type ResourceRest } from '../rest/resource-rest';
import { type Store } from '../store/store';
import { tableKey, type Ref } from '../store/tables';
import { type OwnerIndex } from './owner-index';

const WRITE = { fieldValidation: 'Ignore', dryRun: false } as const;

/** Deleted owners with a finalizer of the garbage collector: foregroundDeletion or orphan. */
export class EndingOwners {
  private readonly waiting = new Map<string, Ref>();
  private readonly uids = new Set<string>();

  constructor(
    private readonly store: Store,
    private readonly rests: ReadonlyMap<string, ResourceRest>,
    private readonly index: OwnerIndex,
  ) {}

  /** Takes a change of an object. @returns whether `proceed` has to be called for it */
  observe(ref: Ref, { metadata }: StoredObject, isGone: boolean): boolean {
    const { deletionTimestamp, finalizers = [], uid = '', ownerReferences = [] } = metadata;
    const waits =
      deletionTimestamp !== undefined &&
      (finalizers.includes(ORPHAN_FINALIZER) || finalizers.includes(FOREGROUND_FINALIZER));
    if (waits && !isGone) {
      this.waiting.set(tableKey(ref), ref);
      this.uids.add(uid);
      return true;
    }
    if (this.uids.delete(uid)) this.waiting.delete(tableKey(ref));
    return ownerReferences.some((owner) => this.uids.has(owner.uid));
  }

  async proceed(): Promise<void> {
    await Promise.all([...this.waiting.values()].map((ref) => this.attempt(ref)));
  }

  /** A failure is retried after the next change, or in a minute. */
  private async attempt(ref: Ref): Promise<void> {
    try {
      await this.release(ref);
    } catch {
      // a conflict, already gone, or a full disk
    }
  }

  private async release(ref: Ref): Promise<void> {
    const owner = this.store.get(ref);
    if (!owner) return;
    const { uid = '', finalizers = [] } = owner.metadata;
    // references into another namespace are invalid
    const dependents = this.index.dependentsOf(uid).filter(({ namespace }) => ['', namespace].includes(ref.namespace));
    if (finalizers.includes(ORPHAN_FINALIZER)) {
      await Promise.all(dependents.map((dependent) => this.disown(dependent, uid)));
      await this.removeFinalizer(ref, owner, ORPHAN_FINALIZER);
      return;
    }
    await Promise.all(dependents.map((dependent) => this.end(dependent, uid)));
    if (!dependents.some((dependent) => this.blocks(dependent, uid)))
      await this.removeFinalizer(ref, owner, FOREGROUND_FINALIZER);
  }

  private blocks(dependent: Ref, uid: string): boolean {
    const { ownerReferences = [] } = this.store.get(dependent)?.metadata ?? {};
    return ownerReferences.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true);
  }

  /** Deletes a dependent. One that has another owner, which is not ending too, stays and loses this owner. */
  private async end(ref: Ref, ownerUid: string): Promise<void> {
    const object = this.store.get(ref);
    if (!object || object.metadata.deletionTimestamp !== undefined) return;
    const { uid, ownerReferences = [] } = object.metadata;
    const others = ownerReferences.filter(
      (owner) => owner.uid !== ownerUid && this.index.has(owner.uid, ref.namespace) && !this.uids.has(owner.uid),
    );
    if (others.length > 0) {
      await this.disown(ref, ownerUid);
      return;
    }
    const hasDependents = uid !== undefined && this.index.dependentsOf(uid).length > 0;
    await this.rests.get(ref.resource)?.delete(ref.namespace, ref.name, {
      dryRun: false,
      ...(hasDependents && { propagationPolicy: 'Foreground' }),
      ...(uid !== undefined && { preconditions: { uid } }),
    });
  }

  private async disown(ref: Ref, ownerUid: string): Promise<void> {
    const { ownerReferences = [], resourceVersion } = this.store.get(ref)?.metadata ?? {};
    const left = ownerReferences.filter(({ uid }) => uid !== ownerUid);
    if (left.length === ownerReferences.length) return;
    await this.patch(ref, { ownerReferences: left.length > 0 ? left : null, resourceVersion });
  }

  private async removeFinalizer(ref: Ref, { metadata }: StoredObject, finalizer: string): Promise<void> {
    const left = (metadata.finalizers ?? []).filter((name) => name !== finalizer);
    const { resourceVersion } = metadata;
    await this.patch(ref, { finalizers: left.length > 0 ? left : null, resourceVersion });
  }

  private async patch(ref: Ref, metadata: object): Promise<void> {
    await this.rests.get(ref.resource)?.patch(ref, '', { type: 'merge', body: { metadata } }, WRITE);
  }
}
