import { type StoredObject } from '../kube-object';
import { tableKey, type Ref } from '../store/tables';

/** Index of objects by uid and of dependents by owner, so that a deletion does not have to look at all objects. */
export class OwnerIndex {
  /** namespace of every object, by uid */
  private readonly namespaces = new Map<string, string>();
  /** by uid of the owner, then by key of the dependent */
  private readonly dependents = new Map<string, Map<string, Ref>>();

  /** @returns the objects that may be orphans now: itself, when it names new owners or fewer than before */
  put(ref: Ref, object: StoredObject, previous: StoredObject | undefined): Ref[] {
    const { uid } = object.metadata;
    if (uid !== undefined) this.namespaces.set(uid, ref.namespace);
    const [now, before] = [new Set(ownersOf(object)), new Set(previous ? ownersOf(previous) : [])];
    for (const owner of before) if (!now.has(owner)) this.forget(owner, ref);
    const added = [...now].filter((owner) => !before.has(owner));
    for (const owner of added) {
      const dependents = this.dependents.get(owner) ?? new Map<string, Ref>();
      this.dependents.set(owner, dependents.set(tableKey(ref), ref));
    }
    return added.length > 0 || now.size < before.size ? [ref] : [];
  }

  /** @returns its dependents */
  remove(ref: Ref, object: StoredObject): Ref[] {
    for (const owner of ownersOf(object)) this.forget(owner, ref);
    const { uid = '' } = object.metadata;
    this.namespaces.delete(uid);
    return this.dependentsOf(uid);
  }

  /** Objects that name it as an owner. */
  dependentsOf(uid: string): Ref[] {
    return [...(this.dependents.get(uid)?.values() ?? [])];
  }

  /** Whether the owner of an object in `namespace` exists, in the same namespace or at the cluster scope. */
  has(uid: string, namespace: string): boolean {
    return ['', namespace].includes(this.namespaces.get(uid) ?? '\0');
  }

  /** Whether it names owners, and none of them exists in its namespace or at the cluster scope. */
  isOrphan(object: StoredObject): boolean {
    const owners = ownersOf(object);
    return owners.length > 0 && !owners.some((uid) => this.has(uid, object.metadata.namespace ?? ''));
  }

  private forget(owner: string, ref: Ref): void {
    const dependents = this.dependents.get(owner);
    dependents?.delete(tableKey(ref));
    if (dependents?.size === 0) this.dependents.delete(owner);
  }
}

function ownersOf({ metadata: { ownerReferences = [] } }: StoredObject): string[] {
  return ownerReferences.map(({ uid }) => uid);
}
