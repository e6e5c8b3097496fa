import { type Json, type StoredObject } from '../kube-object';
import { qualified } from '../status-error';
import { type SchemaRules } from '../validation/schema-rules';

/** A column of `kubectl get`. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly description?: string;
  /** above 0: only with -o wide */
  readonly priority?: number;
  readonly cell: (object: StoredObject) => unknown;
}

/** Definition of one kind of object. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  /** `all`: listed by `kubectl get all` */
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly hasStatus: boolean;
  /** of a CRD: PUT needs a resourceVersion, and there is no strategic merge patch */
  readonly isCustom: boolean;
  /** in addition to metadata.name and metadata.namespace */
  readonly selectableFields: readonly string[];
  readonly columns: readonly Column[];
  /** OpenAPI v3 schema of the whole object */
  readonly schema: Json;
  /** CEL rules of a CRD */
  readonly rules?: SchemaRules;
  /** PUT creates an object that does not exist */
  readonly isCreatedByUpdate: boolean;
  /** changes a new object before it is stored; default: drops its status */
  readonly prepareForCreate?: (object: Json) => Json;
}

/** Name of the resource in the store. */
export function storeName({ plural, group }: Resource): string {
  return qualified(plural, group);
}

export function resourceApiVersion({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`;
}

export function selectableFields(resource: Resource): string[] {
  const own = ['metadata.name', ...(resource.namespaced ? ['metadata.namespace'] : [])];
  return [...own, ...resource.selectableFields];
}
