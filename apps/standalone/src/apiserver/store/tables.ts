import { type StoredObject } from '../kube-object';

/** Key of an object. `resource` is `plural` or `plural.group`; a cluster-scoped object has an empty namespace. */
export interface Ref {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

export function tableKey({ resource, namespace, name }: Ref): string {
  return `${resource}/${namespace}/${name}`;
}

export function sorted(entries: Iterable<[string, StoredObject]>, resource: string, namespace: string): StoredObject[] {
  const prefix = namespace === '' ? `${resource}/` : `${resource}/${namespace}/`;
  return [...entries]
    .filter(([key]) => key.startsWith(prefix))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, object]) => object);
}

/** Objects by key, in a map for each resource, so that the cost of a list does not grow with the store. */
export class Tables {
  private readonly tables = new Map<string, Map<string, StoredObject>>();

  get(key: string): StoredObject | undefined {
    return this.tables.get(resourceOf(key))?.get(key);
  }

  set(key: string, object: StoredObject | undefined): void {
    const resource = resourceOf(key);
    const table = this.tables.get(resource) ?? new Map<string, StoredObject>();
    this.tables.set(resource, table);
    if (object) table.set(key, object);
    else table.delete(key);
  }

  entries(resource: string): Iterable<[string, StoredObject]> {
    return this.tables.get(resource) ?? [];
  }
}

function resourceOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}
