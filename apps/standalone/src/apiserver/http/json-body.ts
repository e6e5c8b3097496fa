import { StatusError } from '../status-error';
import { MAX_DEPTH, MAX_VALUES } from './parsed-value';

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/**
 * Parses a JSON text. Depth and number of values are counted in its bytes before the parser runs, so that 3 MiB of brackets
 * cost a look at each byte and no more.
 * @throws StatusError 400
 */
export function parseJson(body: Buffer): unknown {
  checkBytes(body);
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    // the parser's own words quote what stands there, which may be a Secret
    const position = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    const place = position === undefined ? '' : `: it is no JSON from position ${position} on`;
    throw StatusError.badRequest(`the body cannot be read${place}`);
  }
}

/** @throws StatusError 400 */
function checkBytes(body: Buffer): void {
  let [depth, values, isText] = [0, 1, false];
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at] ?? 0;
    if (isText && byte === BACKSLASH) at += 1;
    else if (byte === QUOTE) isText = !isText;
    else if (isText) continue;
    else if (byte === COMMA) values += 1;
    else if (OPENING.has(byte)) [depth, values] = [depth + 1, values + 1];
    else if (CLOSING.has(byte)) depth -= 1;
    if (depth > MAX_DEPTH) throw StatusError.badRequest(`the body is nested deeper than ${MAX_DEPTH} levels`);
    if (values > MAX_VALUES) throw StatusError.badRequest(`the body has more than ${MAX_VALUES} values`);
  }
}
