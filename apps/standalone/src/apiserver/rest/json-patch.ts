import { applyPatch } from 'rfc6902';
import { z } from 'zod';
import { isJson, type Json } from '../kube-object';
import { StatusError } from '../status-error';

const MAX_OPERATIONS = 10_000;
/** As kube-apiserver: of a few operations each may copy all that those before it have made. */
const MAX_COPIED_CHARS = 3 * 1024 * 1024;
const ARRAY_INDEX = /^(0|[1-9]\d*|-)$/;
/** rfc6902 skips them, and goes on with what is around. */
const SKIPPED = ['__proto__', 'constructor', 'prototype'];

const pointer = z.string().regex(/^(\/.*)?$/s, 'must be empty or begin with /');
const operation = z.discriminatedUnion('op', [
  z.object({ op: z.enum(['add', 'replace', 'test']), path: pointer, value: z.unknown() }),
  z.object({ op: z.literal('remove'), path: pointer }),
  z.object({ op: z.enum(['move', 'copy']), path: pointer, from: pointer }),
]);

/** RFC 6902. @throws StatusError 400 where it is no patch, 422 where it doesn't fit */
export function jsonPatched(object: Json, patch: unknown): Json {
  if (!Array.isArray(patch) || patch.length > MAX_OPERATIONS) {
    throw StatusError.badRequest(`a JSON patch must be a list of at most ${MAX_OPERATIONS} operations`);
  }
  const copy = structuredClone(object);
  let copiedChars = 0;
  for (const [index, given] of patch.entries()) {
    const { success, data, error } = operation.safeParse(given);
    if (!success) {
      const why = `operation ${index} of the patch: ${z.prettifyError(error)}`;
      throw isOperation(given) ? rejected(why) : StatusError.badRequest(why);
    }
    const from = 'from' in data ? valueAt(copy, data.from) : undefined;
    valueAt(copy, data.path);
    if (data.op === 'copy') copiedChars += JSON.stringify(from ?? null).length;
    if (copiedChars > MAX_COPIED_CHARS) throw rejected(`the patch copies more than ${MAX_COPIED_CHARS} characters`);
    const [failure] = applyPatch(copy, [data]);
    if (failure) throw rejected(failure.message);
  }
  return copy;
}

/** Whether Kubernetes reads it as one, and only then finds that it is none that it knows. */
function isOperation(given: unknown): boolean {
  return isJson(given) && typeof given['op'] === 'string' && typeof given['path'] === 'string';
}

/**
 * Follows a pointer over the object's own fields alone: rfc6902 itself goes on to what they inherit, and changes that for all.
 * @throws StatusError 422
 */
function valueAt(object: Json, path: string): unknown {
  const steps = path.split('/').slice(1);
  let value: unknown = object;
  for (const [depth, escaped] of steps.entries()) {
    const step = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    const isThere = (isJson(value) && Object.hasOwn(value, step)) || (Array.isArray(value) && ARRAY_INDEX.test(step));
    const isNew = isJson(value) && !(step in value) && depth === steps.length - 1;
    if (SKIPPED.includes(step) || !(isThere || isNew)) throw rejected(`there is no ${path}`);
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

function rejected(why: string): StatusError {
  return new StatusError(422, 'Invalid', `the server rejected our request: ${why}`);
}
