import { type IncomingMessage } from 'node:http';
import { ApiError, messageOf } from '@fsb/api/errors';
import { StreamLogsResponse } from '@fsb/api/gen/fastpath/v1/logs';

/** Content type of a framed log. A frame is a StreamLogsResponse behind its length, 4 bytes, big-endian. */
export const LOG_FRAMES_TYPE = 'application/vnd.fast-sandbox.log-frames';
const LENGTH_BYTES = 4;
/** Largest frame. An agent sends at most 256 KiB of a log in one, and at most as many turns between the streams. */
const MAX_FRAME_BYTES = 2 * 1024 * 1024;

/** @param part bytes of a log, and where they turn from one stream to the other */
export function encodeLogFrame(part: { readonly data: Buffer; readonly turns: readonly number[] }): Buffer {
  const message = StreamLogsResponse.encode({ data: part.data, turns: [...part.turns] }).finish();
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(message.length);
  return Buffer.concat([length, message]);
}

/**
 * The messages of an agent's answer. The unframed log of an older agent is passed on without turns.
 * @throws ApiError unavailable when the answer breaks off or is malformed
 */
export async function* decodeLogFrames(response: IncomingMessage): AsyncGenerator<StreamLogsResponse> {
  const isFramed = response.headers['content-type'] === LOG_FRAMES_TYPE;
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      // no encoding is set on the response
      if (!isFramed) {
        yield { data: chunk, turns: [] };
        continue;
      }
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (let frame; (frame = frameOf(rest)); rest = rest.subarray(LENGTH_BYTES + frame.length)) {
        yield StreamLogsResponse.decode(frame);
      }
    }
  } catch (error) {
    throw new ApiError('unavailable', `the log broke off (${messageOf(error)}); ask again`, { cause: error });
  }
  if (rest.length > 0) throw new ApiError('unavailable', 'the log broke off in a frame; ask again');
}

/** The first whole frame. @returns undefined if more bytes are needed. @throws Error for an oversized frame */
function frameOf(bytes: Buffer): Buffer | undefined {
  if (bytes.length < LENGTH_BYTES) return undefined;
  const length = bytes.readUInt32BE(0);
  if (length > MAX_FRAME_BYTES) throw new Error(`a frame of ${length} bytes`);
  return bytes.length < LENGTH_BYTES + length ? undefined : bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
}
