import { parseQuantity } from '@fsb/api/quantity';
import { VARIABLE_NAME, VARIABLE_NAME_RULE } from '@fsb/api/process-words';

/** Rule of a value, the same for flags, environment and files, with the text for errors. */
export interface Check {
  readonly allows: (text: string) => boolean;
  readonly rule: string;
}

const matching = (pattern: RegExp, maxLength: number, rule: string): Check => ({
  allows: (text) => text.length <= maxLength && pattern.test(text),
  rule,
});
const whole = (min: number, max: number, rule: string): Check => ({
  allows: (text) => /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max,
  rule,
});

export const NAME = matching(
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  253,
  'a name has lower-case letters, digits, "-" and ".", and starts and ends with a letter or digit',
);
export const NAMESPACE_NAME = matching(
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  63,
  'a namespace has up to 63 lower-case letters, digits and "-", and starts and ends with a letter or digit',
);
export const PORT = whole(1, 65_535, 'a port is a whole number from 1 to 65535');
export const SECONDS = whole(1, 2 ** 31 - 1, 'must be whole seconds, at least 1');
export const GRACE_SECONDS = whole(0, 3_600, 'must be whole seconds from 0 to 3600');
export const LINES = whole(0, 2 ** 31 - 1, 'must be a number of lines, 0 or more');
export const NOT_EMPTY = matching(/\S/, Infinity, 'must not be empty');
export const FOLDER = matching(/^\//, 4_096, 'must be an absolute path, such as /work');
export const ENV_NAME = matching(VARIABLE_NAME, Infinity, `a variable's name is ${VARIABLE_NAME_RULE}`);
export const LABEL_KEY = matching(
  /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$/,
  317,
  'a label\'s key has up to 63 letters, digits, "-", "_" and ".", after an optional prefix and "/"',
);
export const LABEL_VALUE = matching(
  /^([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?$/,
  63,
  'a label\'s value is empty or has up to 63 letters, digits, "-", "_" and "."',
);
export const QUANTITY: Check = {
  allows: (text) => {
    try {
      return parseQuantity(text, 'quantity') > 0;
    } catch {
      return false;
    }
  },
  rule: 'must be a Kubernetes quantity above 0, such as 500m, 2, 64Mi or 1Gi',
};
export const ENDPOINT: Check = {
  allows: (text) => {
    const [, port = ''] = /^(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\]):(\d+)$/.exec(text) ?? [];
    return PORT.allows(port);
  },
  rule: 'must be host:port without a scheme, such as localhost:9090, with a port from 1 to 65535',
};

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of "1m30s", "500ms" or "2h"; undefined when the text is no duration. */
export function durationMs(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit = ''] of text.matchAll(/([\d.]+)(ms|[smhd])/g))
    total += Number(amount) * (UNITS[unit] ?? 0);
  return total;
}
