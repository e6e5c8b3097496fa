import { type Json, type KubeObject } from '../kube-object';
import { qualified } from '../status-error';
import { type SchemaRules } from '../validation/schema-rules';

/** A column of `kubectl get`: a JSONPath as CRDs have it, or a function for the built-in ones. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly description?: string;
  /** above 0: only with -o wide */
  readonly priority?: number;
  readonly cell: (object: KubeObject) => unknown;
}

/** All that makes one kind of object different from another. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  /** `all`: what `kubectl get all` shows */
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly hasStatus: boolean;
  /** CRDs and Leases refuse a PUT without resourceVersion; custom resources have no strategic merge patch. */
  readonly isCustom: boolean;
  /** besides metadata.name and metadata.namespace */
  readonly selectableFields: readonly string[];
  readonly columns: readonly Column[];
  /** OpenAPI v3 schema of the whole object. */
  readonly schema: Json;
  /** What the schema demands beyond types; a CRD's own alone. */
  readonly rules?: SchemaRules;
  /** A PUT of what is not there creates it. */
  readonly isCreatedByUpdate: boolean;
  /** Changes a new object before it is stored. */
  readonly prepareForCreate?: (object: Json) => Json;
}

/** How the store names it. */
export function storeName({ plural, group }: Resource): string {
  return qualified(plural, group);
}

export function apiVersionOf({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`;
}

export function selectableFields(resource: Resource): string[] {
  const own = ['metadata.name', ...(resource.namespaced ? ['metadata.namespace'] : [])];
  return [...own, ...resource.selectableFields];
}
