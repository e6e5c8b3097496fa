import { isDeepStrictEqual } from 'node:util';
import { applyPatch } from 'rfc6902';
import { z } from 'zod';
import { isJson, type Json } from '../kube-object';
import { StatusError } from '../status-error';

const MAX_OPERATIONS = 10_000;
/** The limit of kube-apiserver: repeated copies grow exponentially. */
const MAX_COPIED_CHARS = 3 * 1024 * 1024;
/** Adding or removing a list item moves those behind it: 10,000 operations on a list of 100,000 take seconds. */
const MAX_MOVED_ITEMS = 30_000_000;
/** Tests of lists and maps; each may compare all of the value. */
const MAX_LARGE_TESTS = 100;
const ARRAY_INDEX = /^(0|[1-9]\d*|-)$/;
/** Steps that rfc6902 skips: it would continue with the value around them. */
const SKIPPED = ['__proto__', 'constructor', 'prototype'];

const pointer = z.string().regex(/^(\/.*)?$/s, 'must be empty or begin with /');
const operation = z.discriminatedUnion('op', [
  z.object({ op: z.enum(['add', 'replace', 'test']), path: pointer, value: z.unknown() }),
  z.object({ op: z.literal('remove'), path: pointer }),
  z.object({ op: z.enum(['move', 'copy']), path: pointer, from: pointer }),
]);

type Operation = z.infer<typeof operation>;

/** Applies RFC 6902. @throws StatusError 400 when it is no patch, 422 when it does not fit or costs too much */
export function jsonPatched(object: Json, patch: unknown): Json {
  if (!Array.isArray(patch) || patch.length > MAX_OPERATIONS) {
    throw StatusError.badRequest(`a JSON patch must be a list of at most ${MAX_OPERATIONS} operations`);
  }
  const copy = structuredClone(object);
  const cost = new PatchCost();
  for (const [index, given] of patch.entries()) applyOperation(copy, parsedOperation(given, index), cost);
  return copy;
}

/** @throws StatusError 400, 422 */
function parsedOperation(given: unknown, index: number): Operation {
  const { success, data, error } = operation.safeParse(given);
  if (success) return data;
  const why = `operation ${index} of the patch: ${z.prettifyError(error)}`;
  throw isOperation(given) ? rejected(why) : StatusError.badRequest(why);
}

/** Changes `object`. @throws StatusError 422 */
function applyOperation(object: Json, data: Operation, cost: PatchCost): void {
  const from = 'from' in data ? valueAt(object, data.from) : undefined;
  const there = valueAt(object, data.path);
  if (data.op === 'test') {
    cost.test(there);
    // rfc6902 would compute the whole difference of the two
    if (!isDeepStrictEqual(there, data.value)) throw rejected(`the test of ${data.path} failed`);
    return;
  }
  cost.move(listLength(object, data.path) + ('from' in data ? listLength(object, data.from) : 0));
  if (data.op === 'copy') cost.copy(from);
  const [failure] = applyPatch(object, [data]);
  if (failure) throw rejected(failure.message);
}

/** Cost of the operations of one patch so far. Each method @throws StatusError 422 beyond its limit. */
class PatchCost {
  private copiedChars = 0;
  private movedItems = 0;
  private largeTests = 0;

  test(value: unknown): void {
    this.largeTests += typeof value === 'object' ? 1 : 0;
    if (this.largeTests > MAX_LARGE_TESTS)
      throw rejected(`the patch tests more than ${MAX_LARGE_TESTS} lists and maps`);
  }

  move(items: number): void {
    this.movedItems += items;
    if (this.movedItems > MAX_MOVED_ITEMS)
      throw rejected(`the patch moves more than ${MAX_MOVED_ITEMS} items of lists`);
  }

  copy(value: unknown): void {
    this.copiedChars += JSON.stringify(value ?? null).length;
    if (this.copiedChars > MAX_COPIED_CHARS)
      throw rejected(`the patch copies more than ${MAX_COPIED_CHARS} characters`);
  }
}

/** Whether Kubernetes decodes it as an operation, and thus answers 422, not 400, when it is unknown. */
function isOperation(given: unknown): boolean {
  return isJson(given) && typeof given['op'] === 'string' && typeof given['path'] === 'string';
}

/**
 * Follows a pointer over own fields only. rfc6902 itself would follow inherited ones, and change prototypes.
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

/** Length of the list whose item a pointer names; 0 when it names none. */
function listLength(object: Json, path: string): number {
  const list = valueAt(object, path.slice(0, Math.max(0, path.lastIndexOf('/'))));
  return Array.isArray(list) ? list.length : 0;
}

function rejected(why: string): StatusError {
  return new StatusError(422, 'Invalid', `the server rejected our request: ${why}`);
}
