/** Which of a process' two outputs. */
export type LogStream = 'stdout' | 'stderr';

/** Bytes of a part of a log by turns: so many of stdout (may be 0), then so many of stderr, then of stdout, and so on. */
export type Turns = readonly number[];

/** From `position` on the log's bytes are of `stream`, up to the next entry. Written by logger.c. */
export interface IndexEntry {
  readonly position: number;
  readonly stream: LogStream;
  /** bytes of stdout before `position` */
  readonly stdoutBefore: number;
}

/** Bytes from one place in a log to another. */
export interface Span {
  readonly from: number;
  readonly until: number;
}

export const ENTRY_BYTES = 16;

/** An index takes no more: a turn is a byte at least. Pure. */
export function mostIndexBytes({ from, until }: Span): number {
  return (until - from) * ENTRY_BYTES;
}

/** What comes before the first entry, and a whole log without an index: it is of a writer that did not tell them apart. */
const BEFORE_ALL: IndexEntry = { position: 0, stream: 'stdout', stdoutBefore: 0 };

/** @param bytes whole entries. Those that were freed are zeros, which is what {@link BEFORE_ALL} says */
export function decodeEntries(bytes: Buffer): IndexEntry[] {
  const entries: IndexEntry[] = [];
  for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
    const packed = bytes.readBigUInt64LE(at);
    entries.push({
      position: Number(packed >> 1n),
      stream: (packed & 1n) === 1n ? 'stderr' : 'stdout',
      stdoutBefore: Number(bytes.readBigUInt64LE(at + 8)),
    });
  }
  return entries;
}

/** Bytes of stdout before `position`. Pure. @param last the last entry at or before it */
export function stdoutBefore(position: number, last: IndexEntry = BEFORE_ALL): number {
  return last.stdoutBefore + (last.stream === 'stdout' ? position - last.position : 0);
}

/** Pure. @param entries the last one at or before `from`, where there is one, and those behind it up to `until` */
export function turnsOf(entries: readonly IndexEntry[], from: number, until: number): Turns {
  const turns: number[] = [];
  let at = from;
  let stream: LogStream = 'stdout';
  for (const { position, stream: next } of entries) {
    const end = Math.min(position, until);
    addTurn(turns, stream, end - at);
    at = Math.max(at, end);
    stream = next;
  }
  addTurn(turns, stream, until - at);
  return turns;
}

/** @param bytes none, and fewer, add nothing */
export function addTurn(turns: number[], stream: LogStream, bytes: number): void {
  if (bytes <= 0) return;
  if (streamOf(turns.length) !== stream && turns.length === 0) turns.push(0);
  if (streamOf(turns.length) === stream) turns.push(bytes);
  else turns.push((turns.pop() ?? 0) + bytes);
}

/** The stream of a turn. */
export function streamOf(turn: number): LogStream {
  return turn % 2 === 0 ? 'stdout' : 'stderr';
}

/** Bytes of one stream. */
export function bytesOf(turns: Turns, stream: LogStream): number {
  return turns.reduce((sum, bytes, i) => (streamOf(i) === stream ? sum + bytes : sum), 0);
}

/** The turns of a part of a log that begins at `from`, as places in it. */
export function spansOf(turns: Turns, from: number, stream: LogStream): Span[] {
  let at = from;
  return turns.flatMap((bytes, i) => {
    const span = { from: at, until: at + bytes };
    at += bytes;
    return bytes > 0 && streamOf(i) === stream ? [span] : [];
  });
}
