import { type IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';

/**
 * The lines of an answer as they arrive. readline is not used: on a broken connection it ends silently, or never.
 * @throws Error of the connection
 */
export async function* lines(response: IncomingMessage): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of response) {
    const parts = (rest + decoder.write(chunk as Buffer)).split('\n'); // no encoding is set
    rest = parts.pop() ?? '';
    yield* parts;
  }
  if (rest !== '') yield rest;
}
