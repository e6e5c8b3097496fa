import { keyOf, type KubeObject } from './kinds';
import { SortedKeys } from './sorted-keys';

/** Objects by `namespace/name`, and indexed by namespace, so that a list reads only its own namespace. */
export class ObjectCache<T extends KubeObject> {
  private readonly objects = new Map<string, T>();
  private readonly namespaces = new Map<string, Map<string, T>>();
  private readonly sorted = new SortedKeys();

  get size(): number {
    return this.objects.size;
  }

  get(key: string): T | undefined {
    return this.objects.get(key);
  }

  keys(): string[] {
    return [...this.objects.keys()];
  }

  list(namespace?: string): T[] {
    const from = namespace === undefined ? this.objects : this.namespaces.get(namespace);
    return from ? [...from.values()] : [];
  }

  /** Keys after `key`, in order. The cost of a page depends on its size, not on that of the cache. */
  keysAfter(key: string): Generator<string> {
    return this.sorted.after(key);
  }

  /** Stores an object, and removes its managedFields in place. @returns the previous one */
  set(object: T): T | undefined {
    delete (object.metadata as { managedFields?: unknown }).managedFields; // often half of an object, and never read
    const key = keyOf(object);
    const previous = this.objects.get(key);
    this.objects.set(key, object);
    if (!previous) this.sorted.add(key);
    const { namespace } = object.metadata;
    if (namespace !== undefined) this.inNamespace(namespace).set(key, object);
    return previous;
  }

  remove(key: string): T | undefined {
    const previous = this.objects.get(key);
    const namespace = previous?.metadata.namespace;
    this.objects.delete(key);
    this.sorted.delete(key);
    if (namespace === undefined) return previous;
    const siblings = this.inNamespace(namespace);
    siblings.delete(key);
    if (siblings.size === 0) this.namespaces.delete(namespace);
    return previous;
  }

  private inNamespace(namespace: string): Map<string, T> {
    let found = this.namespaces.get(namespace);
    if (!found) this.namespaces.set(namespace, (found = new Map<string, T>()));
    return found;
  }
}
