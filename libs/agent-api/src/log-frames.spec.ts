import { type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { decodeLogFrames, encodeLogFrame, LOG_FRAMES_TYPE } from './log-frames';

const answer = (chunks: readonly Buffer[], type = LOG_FRAMES_TYPE): IncomingMessage =>
  Object.assign(Readable.from(chunks), { headers: { 'content-type': type } }) as unknown as IncomingMessage;

async function decoded(response: IncomingMessage): Promise<unknown[]> {
  const messages: unknown[] = [];
  for await (const message of decodeLogFrames(response)) messages.push(message);
  return messages;
}

describe('decodeLogFrames', () => {
  const parts = [
    { data: Buffer.from('out\nproblem\n'), turns: [4, 8] },
    { data: Buffer.alloc(300_000, 'x'), turns: [0, 300_000] },
    { data: Buffer.from('last'), turns: [4] },
  ];
  const bytes = Buffer.concat(parts.map(encodeLogFrame));

  it.each([1_000_000, 65_536, 7])('decodes frames that arrive in chunks of %d bytes', async (size) => {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    expect(await decoded(answer(pieces))).toEqual(parts);
  });

  it('passes on the unframed answer of an older agent', async () => {
    const text = Buffer.from('\0\0\0\x01abc');
    expect(await decoded(answer([text], 'text/plain; charset=utf-8'))).toEqual([{ data: text, turns: [] }]);
  });

  it.each([
    ['a frame without an end', bytes.subarray(0, bytes.length - 1), /broke off in a frame/],
    ['a length without an end', bytes.subarray(0, 3), /broke off in a frame/],
    ['a frame that is too long', Buffer.from([0xff, 0xff, 0xff, 0xff, 1]), /a frame of 4294967295 bytes/],
    ['a malformed message', Buffer.from([0, 0, 0, 2, 0x0a, 0xff]), /the log broke off/],
  ])('rejects %s', async (_what, broken, message) => {
    await expect(decoded(answer([broken]))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(message) as string,
    });
  });
});
