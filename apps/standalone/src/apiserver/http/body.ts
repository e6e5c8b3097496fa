import { type IncomingMessage } from 'node:http';
import { parse, YAMLParseError } from 'yaml';
import { isJson, type Json } from '../kube-object';
import { StatusError } from '../status-error';
import { checkShape } from './parsed-value';
import { fromProtobuf } from './protobuf-body';

/** As kube-apiserver has it. */
const LIMIT_BYTES = 3 * 1024 * 1024;

/** @throws StatusError 413 */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LIMIT_BYTES) {
      throw new StatusError(413, 'RequestEntityTooLarge', `the body is larger than ${LIMIT_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The media type alone. kubectl 1.20 sends some JSON bodies without any, client-node an empty body as JSON. */
export function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? 'application/json').split(';')[0]?.trim() ?? '';
}

/** @throws StatusError 400, 415 */
export function parseBody(type: string, body: Buffer): unknown {
  switch (type) {
    case 'application/json':
    case 'application/merge-patch+json':
    case 'application/json-patch+json':
    case 'application/strategic-merge-patch+json':
      return parsed(JSON.parse, body);
    case 'application/yaml':
      return parsed(parse, body);
    case 'application/vnd.kubernetes.protobuf':
      return fromProtobuf(body);
    default:
      throw StatusError.unsupportedMediaType(`${type} is not served here; application/json and application/yaml are`);
  }
}

/** @throws StatusError 400, 415 */
export function objectBody(type: string, body: Buffer): Json {
  const value = parseBody(type, body);
  if (!isJson(value)) throw StatusError.badRequest('the body must be an object');
  return value;
}

function parsed(parser: (text: string) => unknown, body: Buffer): unknown {
  let value: unknown;
  try {
    value = parser(body.toString('utf8'));
  } catch (error) {
    throw StatusError.badRequest(`the body cannot be read${placeOf(error)}`);
  }
  checkShape(value);
  return value;
}

/** The parsers' own words quote what stands there, which may be a Secret. */
function placeOf(error: unknown): string {
  if (error instanceof YAMLParseError) return `: ${error.code} at line ${error.linePos?.[0].line ?? 1}`;
  const position = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
  return position === undefined ? '' : `: it is no JSON from position ${position} on`;
}
