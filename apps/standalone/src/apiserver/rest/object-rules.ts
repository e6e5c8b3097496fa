import { randomBytes, randomUUID } from 'node:crypto';
import { rfc3339 } from '@fsb/kit/times';
import { isJson, type Json, type StoredObject, type StoredMeta } from '../kube-object';
import { resourceApiVersion, type Resource } from '../resources/resource';
import { type StatusCause, StatusError } from '../status-error';
import { duplicateItems } from './list-keys';
import { metadataViolations, newFinalizers } from './metadata-check';
import { prune, violations } from './schema-check';

/** Characters of an invalid name in errors; a valid one has up to 253. */
const MAX_QUOTED_NAME = 1_000;

const BLOCKING = ['FieldValueRequired', 'FieldValueNotSupported', 'FieldValueTypeInvalid'];

/** The message of kube-apiserver. */
const NOT_CHECKED: StatusCause = {
  reason: 'FieldValueInvalid',
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
  field: '<nil>',
};

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/**
 * Decodes a body: drops unknown fields, fills in defaults.
 * @returns with `Warn`, also warnings about the dropped fields
 * @throws StatusError 400 for another kind, and with `Strict` for unknown fields
 */
export function decodeBody(
  resource: Resource,
  given: Json,
  validation: FieldValidation,
): { object: Json; warnings: string[] } {
  const body = withIdentity(resource, given);
  const unknown: string[] = [];
  const object = prune(resource.schema, body, '', unknown) as Json; // prune returns an object for an object
  const warnings = unknown.map((field) => `unknown field "${field}"`);
  if (warnings.length > 0 && validation === 'Strict') {
    throw StatusError.badRequest(`strict decoding error: ${warnings.join(', ')}`);
  }
  return { object, warnings: validation === 'Warn' ? warnings : [] };
}

/** Adds apiVersion and kind, which bodies of built-in kinds may leave out. @throws StatusError 400 for others */
function withIdentity(resource: Resource, body: Json): Json {
  const { kind, isCustom } = resource;
  const apiVersion = resourceApiVersion(resource);
  const full: Json = isCustom ? body : { apiVersion, kind, ...body };
  if (full['kind'] === kind && full['apiVersion'] === apiVersion) return full;
  const [gotVersion, gotKind] = [full['apiVersion'] ?? '', full['kind'] ?? ''].map((value) => JSON.stringify(value));
  throw StatusError.badRequest(
    `the object provided is ${gotVersion}, Kind=${gotKind}, this path takes ${apiVersion}, Kind=${kind}`,
  );
}

/**
 * @param previous absent: the object is new
 * @throws StatusError 422 with a cause for each invalid field
 */
function checkValid(
  resource: Resource,
  object: Json,
  previous?: StoredObject,
  more: readonly StatusCause[] = [],
): void {
  const bySchema = violations(resource, object);
  // the rules of metadata presume the types of the schema
  const byMetadata = bySchema.some(({ field }) => field.startsWith('metadata'))
    ? []
    : metadataViolations(resource, metaOf(object));
  const found = [...byMetadata, ...more, ...bySchema, ...causesByLists(resource, object, previous)];
  const causes = [...found, ...causesByRules(resource, object, previous, found)];
  if (causes.length > 0) throw StatusError.invalid(resource.kind, resource.group, nameOf(object), causes);
}

/** Duplicate list items. As in Kubernetes, checked for custom resources only, and not if the stored object has some. */
function causesByLists(
  { isCustom, schema }: Resource,
  object: Json,
  previous: StoredObject | undefined,
): readonly StatusCause[] {
  const causes = isCustom ? duplicateItems(schema, object) : [];
  return causes.length > 0 && previous && duplicateItems(schema, previous).length > 0 ? [] : causes;
}

/** Violations of CEL rules. They presume values of the right type; without these NOT_CHECKED is reported instead. */
function causesByRules(
  { rules }: Resource,
  object: Json,
  previous: StoredObject | undefined,
  found: readonly StatusCause[],
): readonly StatusCause[] {
  if (!rules) return [];
  return found.some(({ reason }) => BLOCKING.includes(reason)) ? [NOT_CHECKED] : rules.causes(object, previous);
}

export function metaOf(object: Json): Partial<StoredMeta> {
  return isJson(object['metadata']) ? object['metadata'] : {};
}

/** Name of an object that is not validated: any type, any length. */
function nameOf(object: Json): string {
  const name: unknown = metaOf(object).name;
  return typeof name === 'string' ? name.slice(0, MAX_QUOTED_NAME) : '';
}

/** A new object, valid: uid and creation time set by the server, without status. @throws StatusError 422 */
export function newObject(resource: Resource, object: Json, namespace: string): StoredObject {
  const meta = metaOf(object);
  const prepare =
    resource.prepareForCreate ?? ((given: Json) => (resource.hasStatus ? without(given, 'status') : given));
  const name =
    meta.name ??
    (meta.generateName === undefined ? undefined : meta.generateName + randomBytes(3).toString('hex').slice(0, 5));
  const prepared = prepare(object);
  const created = {
    ...prepared,
    metadata: {
      ...without(meta, 'deletionTimestamp', 'resourceVersion', 'selfLink'),
      ...(name !== undefined && { name }),
      ...(resource.namespaced && { namespace }),
      uid: randomUUID(),
      creationTimestamp: now(),
      ...(resource.isCustom && { generation: 1 }),
    },
  };
  checkValid(resource, created);
  return created as unknown as StoredObject; // checkValid: kind, apiVersion and name exist
}

/**
 * The stored object after an update. Server-owned metadata stay; status changes only through its subresource.
 * @throws StatusError 400, 409, 422
 */
export function updatedObject(
  resource: Resource,
  current: StoredObject,
  given: Json,
  subresource: '' | 'status',
): StoredObject {
  const meta = metaOf(given);
  checkUpdatable(resource, current, meta);
  const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, resourceVersion } =
    current.metadata;
  const kept = { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, resourceVersion };
  const metadata = defined({
    ...(subresource === 'status' ? current.metadata : meta),
    ...kept,
    name: current.metadata.name,
    namespace: current.metadata.namespace,
  });
  const body =
    subresource === 'status'
      ? { ...current, status: given['status'] }
      : { ...given, ...(resource.hasStatus && { status: current['status'] }) };
  const next = defined({ ...body, metadata });
  if (resource.isCustom && subresource === '' && !sameBut(next, current))
    metadata['generation'] = (generation ?? 0) + 1;
  const added =
    deletionTimestamp === undefined ? [] : newFinalizers(current.metadata.finalizers, metaOf(next).finalizers);
  checkValid(resource, next, current, added);
  return next as unknown as StoredObject; // checkValid
}

function checkUpdatable(resource: Resource, current: StoredObject, meta: Partial<StoredMeta>): void {
  const { plural, group, kind } = resource;
  const { name, uid, resourceVersion } = current.metadata;
  if (meta.name !== undefined && meta.name !== name) {
    throw StatusError.badRequest(`the name of the object (${meta.name}) does not match the name on the URL (${name})`);
  }
  if (meta.uid !== undefined && meta.uid !== uid) {
    throw StatusError.conflict(
      plural,
      group,
      name,
      `Precondition failed: UID in precondition: ${meta.uid}, UID in object meta: ${uid ?? ''}`,
    );
  }
  const mustHaveVersion = resource.isCustom || kind === 'Lease';
  if (meta.resourceVersion === undefined || meta.resourceVersion === '') {
    if (!mustHaveVersion) return;
    const causes = [
      {
        reason: 'FieldValueInvalid',
        field: 'metadata.resourceVersion',
        message: 'Invalid value: 0x0: must be specified for an update',
      },
    ];
    throw StatusError.invalid(kind, group, name, causes);
  }
  if (meta.resourceVersion !== resourceVersion) {
    throw StatusError.conflict(
      plural,
      group,
      name,
      'the object has been modified; please apply your changes to the latest version and try again',
    );
  }
}

/** Whether two objects are equal except for metadata and status. */
function sameBut(a: Json, b: Json): boolean {
  return canonical(without(a, 'metadata', 'status')) === canonical(without(b, 'metadata', 'status'));
}

/** JSON with sorted keys: equal objects give equal text. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    isJson(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item,
  );
}

function without(object: Json, ...fields: string[]): Json {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !fields.includes(key)));
}

function defined(object: Json): Json {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** RFC 3339 without fractions, as metav1.Time. */
export function now(): string {
  return rfc3339(Date.now());
}
