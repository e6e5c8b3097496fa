import { type Json, type StoredObject } from '../kube-object';
import { type Resource } from '../resources/resource';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** A `Table` with the columns and rows of `kubectl get`. */
export function tableOf(
  resource: Resource,
  objects: readonly StoredObject[],
  include: IncludeObject,
  metadata: Json,
): Json {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: resource.columns.map(({ name, type, description, priority = 0 }) => ({
      name,
      type,
      format: name === 'Name' ? 'name' : '',
      description: description ?? '',
      priority,
    })),
    rows: objects.map((object) => row(resource, object, include)),
  };
}

export function row(resource: Resource, object: StoredObject, include: IncludeObject): Json {
  return {
    cells: resource.columns.map(({ cell }) => cell(object)),
    ...(include !== 'None' && { object: include === 'Object' ? object : partial(object) }),
  };
}

export function partial({ metadata }: StoredObject): Json {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}
