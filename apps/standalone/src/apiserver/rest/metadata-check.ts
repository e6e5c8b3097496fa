import { type Resource } from '../resources/resource';
import { type StoredMeta } from '../kube-object';
import { type StatusCause } from '../status-error';

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const DNS_LABEL = new RegExp(`^${LABEL}$`);
const DNS_SUBDOMAIN = new RegExp(`^${LABEL}(\\.${LABEL})*$`);
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;
const MAX_LABEL = 63;
const MAX_SUBDOMAIN = 253;

const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const WORD_RULE =
  "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** Violations of Kubernetes' rules for the metadata of objects of every kind. */
export function metadataViolations(resource: Resource, meta: Partial<StoredMeta>): StatusCause[] {
  return [
    ...nameCauses(resource, meta.name),
    ...Object.entries(meta.labels ?? {}).flatMap(([key, value]) => [
      ...qualifiedName('labels', key),
      ...(isLabelValue(value) ? [] : [invalid('labels', value, `a valid label must be empty or ${WORD_RULE}`)]),
    ]),
    ...Object.keys(meta.annotations ?? {}).flatMap((key) => qualifiedName('annotations', key.toLowerCase())),
    ...(meta.ownerReferences ?? []).flatMap((reference) => ownerCauses({ ...reference })),
    ...(meta.finalizers ?? []).flatMap((name) => finalizerCauses(resource, name)),
  ];
}

/** Finalizers added to an object that is being deleted: only their removal is allowed. */
export function newFinalizers(before: readonly string[] = [], after: readonly string[] = []): StatusCause[] {
  const known = new Set(before);
  const added = after.filter((name) => !known.has(name));
  if (added.length === 0) return [];
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${added.join(', ')}`;
  return [{ reason: 'FieldValueForbidden', field: 'metadata.finalizers', message }];
}

function nameCauses({ kind }: Resource, name: string | undefined): StatusCause[] {
  if (name === undefined || name === '') {
    const message = 'Required value: name or generateName is required';
    return [{ reason: 'FieldValueRequired', field: 'metadata.name', message }];
  }
  if (kind === 'Namespace')
    return name.length <= MAX_LABEL && DNS_LABEL.test(name) ? [] : [invalid('name', name, LABEL_RULE)];
  return isSubdomain(name) ? [] : [invalid('name', name, SUBDOMAIN_RULE)];
}

/** Checks `example.com/name`, or `name`. */
function qualifiedName(field: string, text: string): StatusCause[] {
  const [name = '', prefix, ...more] = text.split('/').reverse();
  const isFine =
    more.length === 0 && name !== '' && isLabelValue(name) && (prefix === undefined || isSubdomain(prefix));
  return isFine ? [] : [invalid(field, text, `name part must ${WORD_RULE}`)];
}

function finalizerCauses({ isCustom }: Resource, name: string): StatusCause[] {
  const causes = qualifiedName('finalizers', name);
  if (causes.length > 0 || isCustom || name.includes('/')) return causes;
  const isStandard = ['kubernetes', 'orphan', 'foregroundDeletion'].includes(name);
  const why = 'name is neither a standard finalizer name nor is it fully qualified';
  return isStandard ? [] : [invalid('finalizers', name, why)];
}

function ownerCauses(reference: Readonly<Record<string, unknown>>): StatusCause[] {
  return ['apiVersion', 'kind', 'name', 'uid']
    .filter((key) => (reference[key] ?? '') === '')
    .map((key) => invalid(`ownerReferences.${key}`, '', `${key} must not be empty`));
}

function isLabelValue(text: string): boolean {
  return text.length <= MAX_LABEL && LABEL_VALUE.test(text);
}

function isSubdomain(text: string): boolean {
  return text.length <= MAX_SUBDOMAIN && DNS_SUBDOMAIN.test(text);
}

function invalid(field: string, value: string, why: string): StatusCause {
  return { reason: 'FieldValueInvalid', field: `metadata.${field}`, message: `Invalid value: "${value}": ${why}` };
}
