import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { LogStream, type StreamLogsResponse } from '@fsb/api/gen/fastpath/v1/logs';

type LogPart = Pick<StreamLogsResponse, 'data' | 'turns'>;
/** By the values of `--stream`. */
export const logStreams = {
  both: LogStream.LOG_STREAM_UNSPECIFIED,
  stdout: LogStream.LOG_STREAM_STDOUT,
  stderr: LogStream.LOG_STREAM_STDERR,
} as const;
const OUTPUTS = [process.stdout, process.stderr] as const;

/**
 * Copies a log's stdout to stdout and its stderr to stderr, with backpressure of both. Where both are one file (a
 * terminal, `2>&1`) the order between them is kept.
 */
export async function printAll(log: AsyncIterable<LogPart>): Promise<void> {
  const inOrder = isOneFile(1, 2);
  for await (const part of log) {
    for (const [output, data] of inOrder ? turnsOf(part) : turnsByStream(part)) {
      if (!OUTPUTS[output].write(data)) await once(OUTPUTS[output], 'drain');
    }
  }
}

/** Copies a log of one stream to stdout, also where the stream is stderr, so that it can be piped. */
export function printOne(log: AsyncIterable<LogPart>): Promise<void> {
  return printAll(withoutTurns(log));
}

async function* withoutTurns(log: AsyncIterable<LogPart>): AsyncGenerator<LogPart> {
  for await (const { data } of log) yield { data, turns: [] };
}

/** The turns of a part in the order written. `turns` counts bytes: of stdout, of stderr, of stdout, and so on. */
function* turnsOf({ data, turns }: LogPart): Generator<[0 | 1, Uint8Array]> {
  let at = 0;
  for (const [turn, bytes] of turns.entries()) {
    if (bytes > 0) yield [turn % 2 === 0 ? 0 : 1, data.subarray(at, at + bytes)];
    at += bytes;
  }
  if (at < data.length) yield [0, data.subarray(at)]; // a gateway or agent without turns
}

/** The turns of each stream joined: one write for each stream instead of one for each turn. */
function* turnsByStream(part: LogPart): Generator<[0 | 1, Uint8Array]> {
  const turns = [...turnsOf(part)];
  for (const output of [0, 1] as const) {
    const own = turns.flatMap(([of, data]) => (of === output ? [data] : []));
    if (own.length > 0) yield [output, Buffer.concat(own)];
  }
}

function isOneFile(one: number, other: number): boolean {
  try {
    const [first, second] = [fstatSync(one), fstatSync(other)];
    return first.dev === second.dev && first.ino === second.ino;
  } catch {
    return false; // one is closed
  }
}
