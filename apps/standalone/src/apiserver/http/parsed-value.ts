import { MAX_DEPTH, MAX_VALUES } from '@fsb/component-base/json-shape';
import { StatusError } from '../status-error';

/**
 * Checks depth, number of values, and that there is no key `__proto__`.
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
