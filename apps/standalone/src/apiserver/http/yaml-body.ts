import { MAX_DEPTH } from '@fsb/component-base/json-shape';
import { isMap, isScalar, Lexer, parseDocument, visit, type YAMLMap } from 'yaml';
import { StatusError } from '../status-error';

/** Limit of a YAML body. kubectl sends JSON; YAML is written by hand. */
const LIMIT_BYTES = 64 * 1024;
/** Tokens with content. Within all limits here the parser's work grows with them alone. */
const MAX_TOKENS = 10_000;
/** The parser searches the whole document for the anchor of each alias. */
const MAX_ALIASES = 100;

const LAYOUT = new Set([' ', '\t', '\n', '\r\n', '#']);

/**
 * Parses a YAML document. Size, number of tokens, depth and aliases are checked before the parser runs, which bounds
 * its time in the event loop: a hostile body of some megabytes would take minutes.
 * @throws StatusError 400 when it is no YAML or exceeds a limit, 413 when it is larger than 64 KiB
 */
export function parseYaml(body: Buffer): unknown {
  if (body.length > LIMIT_BYTES) {
    const message = `a YAML body has at most ${LIMIT_BYTES} bytes; send larger objects as application/json`;
    throw new StatusError(413, 'RequestEntityTooLarge', message);
  }
  const text = body.toString('utf8');
  checkTokens(text);
  // unique keys are checked below: the parser compares each key with each other one
  const document = parseDocument(text, { uniqueKeys: false, logLevel: 'silent' });
  const [error] = document.errors;
  if (error) throw unreadable(`${error.code} at line ${error.linePos?.[0].line ?? 1}`);
  visit(document, {
    Map: (_, map) => {
      checkKeys(map);
    },
  });
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    throw unreadable('its aliases cannot be followed');
  }
}

/** @throws StatusError 400 */
function checkTokens(text: string): void {
  let [tokens, depth, aliases] = [0, 0, 0];
  for (const token of new Lexer().lex(text)) {
    const [first = ''] = token;
    if (LAYOUT.has(first)) continue;
    tokens += 1;
    if (token === '[' || token === '{') depth += 1;
    if (token === ']' || token === '}') depth -= 1;
    if (first === '*') aliases += 1;
    if (tokens > MAX_TOKENS) throw unreadable(`it has more than ${MAX_TOKENS} tokens; send it as application/json`);
    if (depth > MAX_DEPTH) throw unreadable(`it is nested deeper than ${MAX_DEPTH} levels`);
    if (aliases > MAX_ALIASES) throw unreadable(`it has more than ${MAX_ALIASES} aliases`);
  }
}

/** @throws StatusError 400 for a duplicate key, or one that is no scalar */
function checkKeys({ items }: YAMLMap): void {
  const keys = new Set<string>();
  for (const { key } of items) {
    if (!isScalar(key)) throw unreadable(`a key is ${isMap(key) ? 'a map' : 'no text'}`);
    const name = String(key.value);
    if (keys.has(name)) throw unreadable('DUPLICATE_KEY: a map has the same key twice');
    keys.add(name);
  }
}

/** Error without the parser's message, which quotes the body, and that may be a Secret. */
function unreadable(why: string): StatusError {
  return StatusError.badRequest(`the body cannot be read: ${why}`);
}
