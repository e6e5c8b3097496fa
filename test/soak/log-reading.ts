import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientReadableStream, type ServiceError, status as Code } from '@grpc/grpc-js';
import { type RunSandboxResponse, StreamLogsRequest, type StreamLogsResponse } from '@fsb/api/gen/fastpath/v1/logs';
import { type Answerish, type Caller, inWords, isGone, isOwnDeadline } from './caller';
import { type FindingKind, type Journal } from './findings';
import { type Output } from './output';
import { OutputCheck, type Start } from './output-check';
import { type Follower } from './plan';
import { NAMESPACE } from './pool';

const STREAM_MS = 240_000;
/** Time from a create until its log must be there. */
const FOUND_MS = 30_000;
const PAUSE_MS = 25;
const SLOW_CHUNKS = 100;
/**
 * Output that is kept completely: three rotated files and the current one, 10 MiB each, less what rotation by whole
 * lines drops.
 */
const ALL_KEPT_BYTES = 38 * 1024 * 1024;
/** Codes for a log whose sandbox is not there yet or not any more. */
const ABSENT: ReadonlySet<string> = new Set(['NOT_FOUND', 'UNAVAILABLE', 'FAILED_PRECONDITION', 'ABORTED']);

/** Faults that a broken stream implies. */
const CUT_SHORT: ReadonlySet<string> = new Set<FindingKind>(['log: nothing came', 'log: its end is missing']);

export interface Reading {
  readonly what: string;
  readonly output: Output;
  readonly follow: boolean;
  readonly gateway: number;
  /** id that the sandbox must have; absent or "": any */
  readonly id?: string;
  readonly tail?: number;
  readonly leavesAfter?: number | undefined;
  readonly pauseMs?: number;
  /** The sandbox may be ended during the reading: then only the bytes that arrive must be right. */
  readonly mayEnd: boolean;
  /** The sandbox may not exist yet: absence is retried. */
  readonly mayBeEarly: boolean;
}

/** Reads one log and compares it with the model. Faults become findings. */
export async function readLog(caller: Caller, journal: Journal, name: string, reading: Reading): Promise<void> {
  const { what, gateway, follow, tail } = reading;
  const request = StreamLogsRequest.fromPartial({
    ...{ sandboxName: name, namespace: NAMESPACE, follow, sandboxId: reading.id ?? '' },
    ...(tail === undefined ? {} : { tailLines: tail }),
  });
  const until = Date.now() + FOUND_MS;
  for (;;) {
    const check = new OutputCheck(reading.output, { start: startOf(reading), toTheEnd: mustBeWhole(reading) });
    const stream = caller.gateway(gateway).logs(request, STREAM_MS);
    const ended = await consume(stream, ({ data }) => data, check, reading);
    const line = `${what} at gateway ${gateway + 1}: ${ended.left ? 'left' : inWords(ended)}, ${check.bytes} bytes`;
    if (isEarly(ended, check, reading) && Date.now() < until) {
      if (isGone(ended)) caller.mayTryAgain(journal, ended);
      await sleep(PAUSE_MS);
      continue;
    }
    journal.note(line);
    if (ended.left) return;
    judge(journal, reading, ended, check);
    return;
  }
}

/** The reading of a follower of the plan. */
export function readingOf(follower: Follower, output: Output, mayEnd: boolean): Reading {
  const { gateway, leavesAfter, pauseMs, when } = follower;
  const what = `follower (${when}${leavesAfter === undefined ? '' : ', leaves'}${pauseMs > 0 ? ', slow' : ''})`;
  return { what, output, follow: true, gateway, leavesAfter, pauseMs, mayEnd, mayBeEarly: true };
}

function startOf({ output, tail }: Reading): Start {
  if (tail !== undefined) return { from: 'last', lines: tail };
  return output.bytes <= ALL_KEPT_BYTES ? { from: 'all' } : { from: 'kept' };
}

function mustBeWhole({ mayEnd, leavesAfter }: Reading): boolean {
  return !mayEnd && leavesAfter === undefined;
}

function isEarly(ended: StreamEnd, { bytes }: OutputCheck, { mayBeEarly }: Reading): boolean {
  return mayBeEarly && !ended.left && bytes === 0 && ABSENT.has(ended.code);
}

function judge(journal: Journal, reading: Reading, ended: StreamEnd, check: OutputCheck): void {
  const problem = check.end();
  const isOver = ended.code === 'OK' || (reading.mayEnd && ABSENT.has(ended.code) && !isGone(ended));
  if (isGone(ended)) journal.reportOnce('a gateway went away', 'a log', ended.message);
  else if (isOwnDeadline(ended))
    journal.report(
      'a call or stream took too long',
      `${reading.what}: its end`,
      `${check.bytes} bytes in ${STREAM_MS} ms`,
    );
  else if (!isOver)
    journal.report('a stream broke off', `${reading.what}: OK`, `${inWords(ended)}, ${check.bytes} bytes`);
  if (problem && (isOver || !CUT_SHORT.has(problem.kind)))
    journal.report(problem.kind, `${reading.what}: ${problem.expected}`, problem.came);
}

export interface StreamEnd extends Answerish {
  /** the reader left before the end */
  readonly left: boolean;
}

/** Reads a stream to its end, or until the reader leaves. */
export async function consume<M extends StreamLogsResponse | RunSandboxResponse>(
  stream: ClientReadableStream<M>,
  dataOf: (message: M) => Buffer,
  check: OutputCheck,
  { leavesAfter, pauseMs = 0 }: Pick<Reading, 'leavesAfter' | 'pauseMs'>,
): Promise<StreamEnd> {
  let chunks = 0;
  try {
    for await (const message of stream as AsyncIterable<M>) {
      check.take(dataOf(message));
      if (leavesAfter !== undefined && check.bytes >= leavesAfter) {
        stream.cancel();
        return { code: 'CANCELLED', message: '', left: true };
      }
      if (pauseMs > 0 && ++chunks < SLOW_CHUNKS) await sleep(pauseMs);
    }
    return { code: 'OK', message: '', left: false };
  } catch (error) {
    const { code, details } = error as ServiceError; // grpc-js throws only ServiceError
    return { code: Code[code], message: details, left: false };
  } finally {
    stream.on('error', () => undefined); // error of our own cancellation
  }
}
