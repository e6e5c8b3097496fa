import { type KubeObject } from '../kube-object';
import { keyOf, type Ref } from '../store/tables';

/** Which objects there are, by uid, and which depend on which: so that the end of one need not look at all others. */
export class OwnerIndex {
  /** every object's namespace by its uid */
  private readonly namespaces = new Map<string, string>();
  /** by the owner's uid, by the dependent's key */
  private readonly dependents = new Map<string, Map<string, Ref>>();

  /** @returns what has to be looked at because of it: itself, where it names owners that it did not name before */
  put(ref: Ref, object: KubeObject, previous: KubeObject | undefined): Ref[] {
    const { uid } = object.metadata;
    if (uid !== undefined) this.namespaces.set(uid, ref.namespace);
    const [now, before] = [new Set(ownersOf(object)), new Set(previous ? ownersOf(previous) : [])];
    for (const owner of before) if (!now.has(owner)) this.forget(owner, ref);
    const added = [...now].filter((owner) => !before.has(owner));
    for (const owner of added) {
      const dependents = this.dependents.get(owner) ?? new Map<string, Ref>();
      this.dependents.set(owner, dependents.set(keyOf(ref), ref));
    }
    return added.length > 0 || now.size < before.size ? [ref] : [];
  }

  /** @returns what depends on it */
  remove(ref: Ref, object: KubeObject): Ref[] {
    for (const owner of ownersOf(object)) this.forget(owner, ref);
    const { uid = '' } = object.metadata;
    this.namespaces.delete(uid);
    return this.dependentsOf(uid);
  }

  /** What names it as an owner. */
  dependentsOf(uid: string): Ref[] {
    return [...(this.dependents.get(uid)?.values() ?? [])];
  }

  /** Whether an owner of something in `namespace` is there: in the same namespace, or in none. */
  has(uid: string, namespace: string): boolean {
    return ['', namespace].includes(this.namespaces.get(uid) ?? '\0');
  }

  /** It names owners, and none of them is there: in its own namespace, or in none. */
  isOrphan(object: KubeObject): boolean {
    const owners = ownersOf(object);
    return owners.length > 0 && !owners.some((uid) => this.has(uid, object.metadata.namespace ?? ''));
  }

  private forget(owner: string, ref: Ref): void {
    const dependents = this.dependents.get(owner);
    dependents?.delete(keyOf(ref));
    if (dependents?.size === 0) this.dependents.delete(owner);
  }
}

function ownersOf({ metadata: { ownerReferences = [] } }: KubeObject): string[] {
  return ownerReferences.map(({ uid }) => uid);
}
