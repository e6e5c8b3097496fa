import { StatusError } from '../status-error';

/** An agentTemplate's deepest field is the fourteenth; each function that walks an object calls itself for each level. */
export const MAX_DEPTH = 64;
/** A body of 3 MiB holds a million of nothing, and a complaint about each. */
export const MAX_VALUES = 100_000;

/**
 * What may go further than the parser: not too deep, not too many, and no key that is a prototype.
 * @throws StatusError 400
 */
export function checkShape(value: unknown): void {
  let values = 0;
  const check = (inner: unknown, depth: number): void => {
    if (++values > MAX_VALUES) throw StatusError.badRequest(`the body has more than ${MAX_VALUES} values`);
    if (typeof inner !== 'object' || inner === null) return;
    if (depth === MAX_DEPTH) throw StatusError.badRequest(`the body is nested deeper than ${MAX_DEPTH} levels`);
    if (Object.hasOwn(inner, '__proto__')) throw StatusError.badRequest('the body has a field "__proto__"');
    for (const item of Object.values(inner)) check(item, depth + 1);
  };
  check(value, 0);
}
