import { type IncomingMessage } from 'node:http';
import { isJson, type Json } from '../kube-object';
import { StatusError } from '../status-error';
import { parseJson } from './json-body';
import { checkShape } from './parsed-value';
import { fromProtobuf } from './protobuf-body';
import { parseYaml } from './yaml-body';

/** The limit of kube-apiserver. */
const LIMIT_BYTES = 3 * 1024 * 1024;

/** @throws StatusError 413 */
export async function readRequestBody(request: IncomingMessage): Promise<Buffer> {
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

/** Media type without parameters, JSON when absent: kubectl 1.20 omits it. client-node sends an empty body as JSON. */
export function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? 'application/json').split(';')[0]?.trim() ?? '';
}

/** @throws StatusError 400, 415 */
export function parseRequestBody(type: string, body: Buffer): unknown {
  switch (type) {
    case 'application/json':
    case 'application/merge-patch+json':
    case 'application/json-patch+json':
    case 'application/strategic-merge-patch+json':
      return shaped(parseJson(body));
    case 'application/yaml':
      return shaped(parseYaml(body));
    case 'application/vnd.kubernetes.protobuf':
      return shaped(fromProtobuf(body));
    default:
      throw StatusError.unsupportedMediaType(`${type} is not served here; application/json and application/yaml are`);
  }
}

/** @throws StatusError 400, 415 */
export function objectBody(type: string, body: Buffer): Json {
  const value = parseRequestBody(type, body);
  if (!isJson(value)) throw StatusError.badRequest('the body must be an object');
  return value;
}

function shaped(value: unknown): unknown {
  checkShape(value);
  return value;
}
