import { isJson, type Json } from '../kube-object';
import { StatusError } from '../status-error';
import { jsonPatched } from './json-patch';

export type PatchType = 'merge' | 'json' | 'strategic';

/** The object after a patch. @throws StatusError 400 or 422 when the patch does not fit */
export function applyPatch(type: PatchType, object: Json, patch: unknown): Json {
  if (type === 'json') return jsonPatched(object, patch);
  if (!isJson(patch)) throw StatusError.badRequest('the patch must be an object');
  return merged(object, patch, type === 'strategic');
}

/** RFC 7396; `strategic` also merges lists of objects by their key, as Kubernetes does for its own kinds. */
function merged(target: unknown, patch: Json, strategic: boolean): Json {
  const result: Json = isJson(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (strategic && key.startsWith('$')) continue; // directives about order and retained keys
    if (value === null) Reflect.deleteProperty(result, key);
    else if (isJson(value)) result[key] = merged(result[key], value, strategic);
    else if (strategic && Array.isArray(value)) result[key] = mergedList(result[key], value);
    else result[key] = value;
  }
  return result;
}

/** Merge keys of lists in the kinds served here; the first one that all items have is used. */
const MERGE_KEYS = ['uid', 'type', 'name', 'containerPort', 'mountPath', 'ip', 'key'];

/** Merges two lists, in linear time. */
function mergedList(target: unknown, patch: unknown[]): unknown[] {
  const current: unknown[] = Array.isArray(target) ? target : [];
  const items = patch.filter(isJson);
  const key = MERGE_KEYS.find((candidate) => items.every((item) => candidate in item));
  if (items.length !== patch.length || key === undefined) {
    return items.length > 0 ? patch : [...new Set([...current, ...patch])];
  }
  const result = [...current];
  const places = new Map<unknown, number>();
  for (const [at, item] of current.entries()) if (isJson(item) && !places.has(item[key])) places.set(item[key], at);
  const removed = new Set<number>();
  for (const item of items) {
    const at = places.get(item[key]);
    if (item['$patch'] === 'delete') {
      if (at !== undefined) removed.add(at);
      places.delete(item[key]);
    } else if (at === undefined) places.set(item[key], result.push(merged({}, item, true)) - 1);
    else result[at] = merged(result[at], item, true);
  }
  return result.filter((_, at) => !removed.has(at));
}
