import { type IncomingMessage } from 'node:http';

/**
 * The whole body as text. It is read by events: an async iterator takes twice as long for a body of one chunk.
 * @param maxBytes limit, above which the answer is aborted
 * @throws Error if the answer breaks off or is too large
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
      // no Error for a complete answer: each costs a stack trace
      if (!response.readableEnded) reject(new Error('the answer broke off'));
    });
  });
}
