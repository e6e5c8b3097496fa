import { isJson, type Json } from '../kube-object';
import { type StatusCause } from '../status-error';

/** Items with the same key in a list of type map (x-kubernetes-list-map-keys), equal items in one of type set. Pure. */
export function duplicateItems(schema: Json, value: unknown, path = ''): StatusCause[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    const inner = isJson(items) ? value.flatMap((item, at) => duplicateItems(items, item, `${path}[${at}]`)) : [];
    return [...repeated(schema, value, path), ...inner];
  }
  const properties = schema['properties'];
  if (!isJson(value) || !isJson(properties)) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const field = Object.hasOwn(properties, key) ? properties[key] : undefined;
    return isJson(field) ? duplicateItems(field, item, path === '' ? key : `${path}.${key}`) : [];
  });
}

function repeated(schema: Json, items: readonly unknown[], path: string): StatusCause[] {
  const kind = schema['x-kubernetes-list-type'];
  if (kind !== 'map' && kind !== 'set') return [];
  const keys = kind === 'map' ? (schema['x-kubernetes-list-map-keys'] as string[]) : undefined;
  const seen = new Set<string>();
  return items.flatMap((item, at) => {
    const key = keys ? keyOf(item, keys) : item;
    const text = JSON.stringify(key);
    if (!seen.has(text)) {
      seen.add(text);
      return [];
    }
    return [{ reason: 'FieldValueDuplicate', message: `Duplicate value: ${text}`, field: `${path}[${at}]` }];
  });
}

function keyOf(item: unknown, keys: readonly string[]): unknown {
  return isJson(item) ? Object.fromEntries(keys.map((key) => [key, item[key]])) : item;
}
