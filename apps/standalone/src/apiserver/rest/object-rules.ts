import { randomBytes, randomUUID } from 'node:crypto';
import { rfc3339 } from '@fsb/kit/times';
import { isJson, type Json, type KubeObject, type StoredMeta } from '../kube-object';
import { apiVersionOf, type Resource } from '../resources/resource';
import { type StatusCause, StatusError } from '../status-error';
import { duplicateItems } from './list-keys';
import { metadataCauses, newFinalizers } from './metadata-check';
import { prune, violations } from './schema-check';

/** A name may have 253; one that is wrong is told as far as this. */
const MAX_TOLD_NAME = 1_000;

const BLOCKING = ['FieldValueRequired', 'FieldValueNotSupported', 'FieldValueTypeInvalid'];

/** As the real API server says it. */
const NOT_CHECKED: StatusCause = {
  reason: 'FieldValueInvalid',
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
  field: '<nil>',
};

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** What a body becomes before it may be stored: known fields only, defaults in. @returns warnings about dropped fields */
export function decoded(
  resource: Resource,
  given: Json,
  validation: FieldValidation,
): { object: Json; warnings: string[] } {
  const body = withIdentity(resource, given);
  const unknown: string[] = [];
  const object = prune(resource.schema, body, '', unknown) as Json; // an object stays one
  const warnings = unknown.map((field) => `unknown field "${field}"`);
  if (warnings.length > 0 && validation === 'Strict') {
    throw StatusError.badRequest(`strict decoding error: ${warnings.join(', ')}`);
  }
  return { object, warnings: validation === 'Warn' ? warnings : [] };
}

/** Kubernetes' own kinds may leave out what the path says already. @throws StatusError 400 */
function withIdentity(resource: Resource, body: Json): Json {
  const { kind, isCustom } = resource;
  const apiVersion = apiVersionOf(resource);
  const full: Json = isCustom ? body : { apiVersion, kind, ...body };
  if (full['kind'] === kind && full['apiVersion'] === apiVersion) return full;
  const [gotVersion, gotKind] = [full['apiVersion'] ?? '', full['kind'] ?? ''].map((value) => JSON.stringify(value));
  throw StatusError.badRequest(
    `the object provided is ${gotVersion}, Kind=${gotKind}, this path takes ${apiVersion}, Kind=${kind}`,
  );
}

/**
 * @param previous absent: the object is new
 * @throws StatusError 422 with a cause for each field that the kind's rules refuse
 */
function checkValid(resource: Resource, object: Json, previous?: KubeObject, more: readonly StatusCause[] = []): void {
  const bySchema = violations(resource, object);
  // metadata of other types than they should be have no rules to break
  const byMetadata = bySchema.some(({ field }) => field.startsWith('metadata'))
    ? []
    : metadataCauses(resource, metaOf(object));
  const found = [...byMetadata, ...more, ...bySchema, ...causesByLists(resource, object, previous)];
  const causes = [...found, ...causesByRules(resource, object, previous, found)];
  if (causes.length > 0) throw StatusError.invalid(resource.kind, resource.group, nameOf(object), causes);
}

/** Kubernetes asks this of custom resources alone, and lets an object keep what it has stored already. */
function causesByLists(
  { isCustom, schema }: Resource,
  object: Json,
  previous: KubeObject | undefined,
): readonly StatusCause[] {
  const causes = isCustom ? duplicateItems(schema, object) : [];
  return causes.length > 0 && previous && duplicateItems(schema, previous).length > 0 ? [] : causes;
}

/** A rule about values has nothing to say where one is absent or of another type; what was not checked is said then. */
function causesByRules(
  { rules }: Resource,
  object: Json,
  previous: KubeObject | undefined,
  found: readonly StatusCause[],
): readonly StatusCause[] {
  if (!rules) return [];
  return found.some(({ reason }) => BLOCKING.includes(reason)) ? [NOT_CHECKED] : rules.causes(object, previous);
}

export function metaOf(object: Json): Partial<StoredMeta> {
  return isJson(object['metadata']) ? object['metadata'] : {};
}

/** As it was given: it may be anything, and a megabyte of it. */
function nameOf(object: Json): string {
  const name: unknown = metaOf(object).name;
  return typeof name === 'string' ? name.slice(0, MAX_TOLD_NAME) : '';
}

/** A new object: identity from the server, status from nobody. */
export function newObject(resource: Resource, object: Json, namespace: string): KubeObject {
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
  return created as unknown as KubeObject; // checked: kind, apiVersion and name are there
}

/** What an update makes of the stored object: server-owned metadata stay, a status only changes through its subresource. */
export function updatedObject(
  resource: Resource,
  current: KubeObject,
  given: Json,
  subresource: '' | 'status',
): KubeObject {
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
  return next as unknown as KubeObject; // checked just above
}

function checkUpdatable(resource: Resource, current: KubeObject, meta: Partial<StoredMeta>): void {
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

/** Whether two objects are the same in all but metadata and status. */
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

/** RFC 3339 without fractions, as metav1.Time has it. */
export function now(): string {
  return rfc3339(Date.now());
}
