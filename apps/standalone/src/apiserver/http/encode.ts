import { type Json, type KubeObject } from '../kube-object';
import { apiVersionOf, type Resource } from '../resources/resource';
import { type Form } from './accept';
import { type IncludeObject, partial, table } from './table';

export interface Encoding {
  readonly form: Form;
  readonly include: IncludeObject;
}

/** @throws StatusError 400 */
export function includeObject(text: string | null): IncludeObject {
  return text === 'None' || text === 'Object' ? text : 'Metadata';
}

/** One object as the caller wants it. */
export function encodeObject(resource: Resource, { form, include }: Encoding, object: KubeObject): Json {
  if (form.as === 'Object') return object;
  if (form.as === 'PartialObjectMetadata') return { ...partial(object), apiVersion: metaVersion(form) };
  const { resourceVersion } = object.metadata;
  return { ...table(resource, [object], include, { resourceVersion }), apiVersion: metaVersion(form) };
}

/** @param metadata resourceVersion and what tells of further pages */
export function encodeList(
  resource: Resource,
  { form, include }: Encoding,
  objects: readonly KubeObject[],
  metadata: Json,
): Json {
  if (form.as === 'Table') return { ...table(resource, objects, include, metadata), apiVersion: metaVersion(form) };
  if (form.as === 'PartialObjectMetadata') {
    const apiVersion = metaVersion(form);
    return { kind: 'PartialObjectMetadataList', apiVersion, metadata, items: objects.map(partial) };
  }
  return { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata, items: objects };
}

function metaVersion({ version }: Form): string {
  return `meta.k8s.io/${version}`;
}
