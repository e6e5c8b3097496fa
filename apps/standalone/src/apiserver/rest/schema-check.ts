import Ajv, { type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { isJson, type Json } from '../kube-object';
import { type Resource } from '../resources/resource';
import { type StatusCause } from '../status-error';

const validators = new WeakMap<Resource, ValidateFunction>();

/** Makes a kind's check, which for a Pod takes half a second: better before the first request than within it. */
export function compileSchema(resource: Resource): ValidateFunction {
  const known = validators.get(resource);
  if (known) return known;
  const ajv = new Ajv({ allErrors: true, strict: false, verbose: true });
  addFormats(ajv);
  const validate = ajv.compile(resource.schema);
  validators.set(resource, validate);
  return validate;
}

/** Every violation of a resource's schema, with the field that it is about. */
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

/** What may be a secret is told by its type alone, as Kubernetes tells every value that has the wrong one. */
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

/** Fills in a schema's defaults, drops nulls and fields that it does not know; reports the latter. */
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
