import { jsonLimitExceeded } from '@fsb/component-base/json-shape';
import { StatusError } from '../status-error';

/** @throws StatusError 400 */
export function parseJson(body: Buffer): unknown {
  const excess = jsonLimitExceeded(body);
  if (excess !== undefined) throw StatusError.badRequest(`the body ${excess}`);
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    // not the parser's message: it quotes the body, which may be a Secret
    const position = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    const place = position === undefined ? '' : `: it is no JSON from position ${position} on`;
    throw StatusError.badRequest(`the body cannot be read${place}`);
  }
}
