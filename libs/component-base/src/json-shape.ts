const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** Levels of nesting, since every walk of an object recurses. An agentTemplate has at most fourteen. */
export const MAX_DEPTH = 64;
/** Values of a body. 3 MiB can hold a million empty ones, and a validator would complain about each. */
export const MAX_VALUES = 100_000;

/**
 * Checks depth and number of values of a JSON text in one pass over its bytes, before a parser runs. Pure.
 * @returns the limit that it exceeds, as the end of a sentence; undefined if it may be parsed
 * @example excessOf(Buffer.from('['.repeat(65))) // 'is nested deeper than 64 levels'
 */
export function jsonLimitExceeded(json: Uint8Array): string | undefined {
  let [depth, values, isText] = [0, 1, false];
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at] ?? 0;
    if (isText && byte === BACKSLASH) at += 1;
    else if (byte === QUOTE) isText = !isText;
    else if (isText) continue;
    else if (byte === COMMA) values += 1;
    else if (OPENING.has(byte)) [depth, values] = [depth + 1, values + 1];
    else if (CLOSING.has(byte)) depth -= 1;
    if (depth > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
    if (values > MAX_VALUES) return `has more than ${MAX_VALUES} values`;
  }
  return undefined;
}
