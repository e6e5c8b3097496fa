import { type Json, type StoredObject } from '../kube-object';
import { resourceApiVersion, type Resource } from '../resources/resource';
import { type Form } from './accept';
import { type IncludeObject, partial, row, tableOf } from './table';

export interface Encoding {
  readonly form: Form;
  readonly include: IncludeObject;
}

/** The parameter `includeObject` of a Table; Metadata by default. */
export function includeObject(text: string | null): IncludeObject {
  return text === 'None' || text === 'Object' ? text : 'Metadata';
}

/** One object in the form that the caller accepts. */
export function encodeObject(resource: Resource, { form, include }: Encoding, object: StoredObject): Json {
  if (form.as === 'Object') return object;
  if (form.as === 'PartialObjectMetadata') return { ...partial(object), apiVersion: metaVersion(form) };
  const { resourceVersion } = object.metadata;
  return { ...tableOf(resource, [object], include, { resourceVersion }), apiVersion: metaVersion(form) };
}

/**
 * A list as pieces of JSON, so that a large one is never in memory as text.
 * @param metadata ListMeta: resourceVersion, continue, remainingItemCount
 */
export function* listPieces(
  resource: Resource,
  encoding: Encoding,
  objects: readonly StoredObject[],
  metadata: Json,
): Generator<string, undefined> {
  const { form, include } = encoding;
  const isTable = form.as === 'Table';
  yield `${JSON.stringify(listHead(resource, form, metadata)).slice(0, -1)},"${isTable ? 'rows' : 'items'}":[`;
  let separator = '';
  for (const object of objects) {
    const item = isTable ? row(resource, object, include) : form.as === 'Object' ? object : partial(object);
    yield separator + JSON.stringify(item);
    separator = ',';
  }
  yield ']}';
}

/** A list without its items. */
function listHead(resource: Resource, form: Form, metadata: Json): Json {
  if (form.as === 'Object') return { kind: `${resource.kind}List`, apiVersion: resourceApiVersion(resource), metadata };
  const apiVersion = metaVersion(form);
  if (form.as === 'PartialObjectMetadata') return { kind: 'PartialObjectMetadataList', apiVersion, metadata };
  return { ...tableOf(resource, [], 'None', metadata), rows: undefined, apiVersion };
}

function metaVersion({ version }: Form): string {
  return `meta.k8s.io/${version}`;
}
