import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { LogStream, type StreamLogsResponse } from '@fsb/api/gen/fastpath/v1/logs';

type LogPart = Pick<StreamLogsResponse, 'data' | 'turns'>;
/** By the names that --stream takes. */
export const logStreams = {
  both: LogStream.LOG_STREAM_UNSPECIFIED,
  stdout: LogStream.LOG_STREAM_STDOUT,
  stderr: LogStream.LOG_STREAM_STDERR,
} as const;
const OUTPUTS = [process.stdout, process.stderr] as const;

/** Copies a log's stdout to stdout and its stderr to stderr, at the speed of whoever reads them. */
export async function printAll(log: AsyncIterable<LogPart>): Promise<void> {
  const inOrder = isOneFile(1, 2);
  for await (const part of log) {
    for (const [output, data] of inOrder ? turnsOf(part) : sumsOf(part)) {
      if (!OUTPUTS[output].write(data)) await once(OUTPUTS[output], 'drain');
    }
  }
}

/** Copies one stream's part of a log to stdout, where a pipe can take it: nothing is to be told apart. */
export function printOne(log: AsyncIterable<LogPart>): Promise<void> {
  return printAll(withoutTurns(log));
}

async function* withoutTurns(log: AsyncIterable<LogPart>): AsyncGenerator<LogPart> {
  for await (const { data } of log) yield { data, turns: [] };
}

/** In the order in which they came: on a terminal, and behind `2>&1`. */
function* turnsOf({ data, turns }: LogPart): Generator<[0 | 1, Uint8Array]> {
  let at = 0;
  for (const [turn, bytes] of turns.entries()) {
    if (bytes > 0) yield [turn % 2 === 0 ? 0 : 1, data.subarray(at, at + bytes)];
    at += bytes;
  }
  if (at < data.length) yield [0, data.subarray(at)]; // of a gateway or an agent that knows of one stream
}

/** A write for each stream instead of one for each turn. */
function* sumsOf(part: LogPart): Generator<[0 | 1, Uint8Array]> {
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
