import Ajv, { type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { isJson, type Json } from '../kube-object';
import { type Resource } from '../resources/resource';
import { type StatusCause } from '../status-error';

const validators = new WeakMap<Resource, ValidateFunction>();

/** Compiles a kind's schema, once. That of Pods takes half a second, so the server does it before the first request. */
export function compileSchema(resource: Resource): ValidateFunction {
  const known = validators.get(resource);
  if (known) return known;
  const ajv = new Ajv({ allErrors: true, strict: false, verbose: true });
  addFormats(ajv);
  const validate = ajv.compile(resource.schema);
  validators.set(resource, validate);
  return validate;
}

/** Violations of a resource's schema, each with its field. */
export function violations(resource: Resource, object: Json): StatusCause[] {
  const validate = compileSchema(resource);
  return validate(object) ? [] : (validate.errors ?? []).map(cause);
}

function cause({ keyword, instancePath, params, message = 'is invalid', data }: ErrorObject): StatusCause {
  const field = dotted(instancePath);
  if (keyword === 'required') {
    const missing = [field, String(params['missingProperty'])].filter((part) => part !== '').join('.');
    return { reason: 'FieldValueRequired', message: 'Required value', field: missing };
  }
  const value = shown(keyword, field, data);
  if (keyword === 'enum') {
    const allowed = (params['allowedValues'] as unknown[]).map((item) => JSON.stringify(item)).join(', ');
    return {
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: ${value}: supported values: ${allowed}`,
      field,
    };
  }
  const reason = keyword === 'type' ? 'FieldValueTypeInvalid' : 'FieldValueInvalid';
  return { reason, message: `Invalid value: ${value}: ${message}`, field };
}

/** The value in an error. Of one that may be secret only its type, as in Kubernetes for values of the wrong type. */
function shown(keyword: string, field: string, data: unknown): string {
  const isSecret = keyword === 'type' || /^(spec\.(envs|command|args)\b|data\b|stringData\b)/.test(field);
  return JSON.stringify(isSecret ? typeName(data) : data);
}

function typeName(data: unknown): string {
  if (data === null) return 'null';
  return Array.isArray(data) ? 'array' : typeof data;
}

function dotted(pointer: string): string {
  return pointer
    .slice(1)
    .split('/')
    .map((step) => (/^\d+$/.test(step) ? `[${step}]` : step.replaceAll('~1', '/').replaceAll('~0', '~')))
    .join('.')
    .replaceAll('.[', '[');
}

/** Fills in a schema's defaults and drops nulls and unknown fields. @param unknown collects the paths of the latter */
export function prune(schema: Json, value: unknown, path: string, unknown: string[]): unknown {
  if (schema['x-kubernetes-preserve-unknown-fields'] === true && !isJson(schema['properties'])) return value;
  if (Array.isArray(value)) {
    const items = schema['items'];
    return isJson(items) ? value.map((item, index) => prune(items, item, `${path}[${index}]`, unknown)) : value;
  }
  return isJson(value) ? pruneObject(schema, value, path, unknown) : value;
}

function pruneObject(schema: Json, value: Json, path: string, unknown: string[]): Json {
  const properties = isJson(schema['properties']) ? schema['properties'] : {};
  const others = schema['additionalProperties'];
  const keepsOthers = others === true || schema['x-kubernetes-preserve-unknown-fields'] === true;
  const result = defaults(properties, value);
  for (const [key, item] of Object.entries(value)) {
    const inner = Object.hasOwn(properties, key) ? properties[key] : others;
    const innerPath = path === '' ? key : `${path}.${key}`;
    if (item === null || item === undefined) continue;
    if (isJson(inner)) result[key] = prune(inner, item, innerPath, unknown);
    else if (keepsOthers) result[key] = item;
    else unknown.push(innerPath);
  }
  return result;
}

function defaults(properties: Json, value: Json): Json {
  const absent = Object.entries(properties).filter(
    ([key, inner]) => isJson(inner) && 'default' in inner && (value[key] ?? null) === null,
  );
  return Object.fromEntries(absent.map(([key, inner]) => [key, isJson(inner) ? inner['default'] : undefined]));
}
