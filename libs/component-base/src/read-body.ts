import { type IncomingMessage } from 'node:http';

/**
 * The whole body as text, by events: as an async iterator a body of one chunk takes twice as long.
 * @param maxBytes above it the answer is broken off
 * @throws Error where it breaks off, or is too large
 */
export function readBody(response: IncomingMessage, maxBytes = Infinity): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (bytes: Buffer) => {
      size += bytes.length;
      chunks.push(bytes);
      if (size > maxBytes) response.destroy(new Error(`answer is over ${maxBytes} bytes`));
    });
    response.on('end', () => {
      resolve(Buffer.concat(chunks).toString('utf8'));
    });
    response.on('error', reject);
    response.on('close', () => {
      // an Error takes its stack when it is made: not for each answer that was whole
      if (!response.readableEnded) reject(new Error('the answer broke off'));
    });
  });
}
