/** One of a process's two outputs. */
export type LogStream = 'stdout' | 'stderr';

/** Lengths in bytes of the alternating runs of a part of a log: stdout (may be 0), stderr, stdout, and so on. */
export type Turns = readonly number[];

/** The log's bytes from `position` to the next entry are of `stream`. Written by logger.c. */
export interface IndexEntry {
  readonly position: number;
  readonly stream: LogStream;
  /** bytes of stdout before `position` */
  readonly stdoutBefore: number;
}

/** Range of bytes in a log. */
export interface Span {
  readonly from: number;
  readonly until: number;
}

export const ENTRY_BYTES = 16;

/** Upper bound of the index of a span: a turn has at least one byte. Pure. */
export function mostIndexBytes({ from, until }: Span): number {
  return (until - from) * ENTRY_BYTES;
}

/**
 * Entry for bytes before the first one, and for a log without an index, whose writer did not tell the streams apart.
 */
const BEFORE_ALL: IndexEntry = { position: 0, stream: 'stdout', stdoutBefore: 0 };

/** Decodes whole entries. Freed entries are zeros, which decode to {@link BEFORE_ALL}. */
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

/**
 * The turns of a span. Pure.
 * @param entries the last one at or before `from`, if any, and those after it up to `until`
 */
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

/** Appends bytes of a stream. @param bytes 0 and less add nothing */
export function addTurn(turns: number[], stream: LogStream, bytes: number): void {
  if (bytes <= 0) return;
  if (streamOf(turns.length) !== stream && turns.length === 0) turns.push(0);
  if (streamOf(turns.length) === stream) turns.push(bytes);
  else turns.push((turns.pop() ?? 0) + bytes);
}

/** The stream of a turn. @param turn index in {@link Turns} */
export function streamOf(turn: number): LogStream {
  return turn % 2 === 0 ? 'stdout' : 'stderr';
}

/** Bytes of one stream. */
export function bytesOf(turns: Turns, stream: LogStream): number {
  return turns.reduce((sum, bytes, i) => (streamOf(i) === stream ? sum + bytes : sum), 0);
}

/** The spans of one stream in a part of a log that begins at `from`. */
export function spansOf(turns: Turns, from: number, stream: LogStream): Span[] {
  let at = from;
  return turns.flatMap((bytes, i) => {
    const span = { from: at, until: at + bytes };
    at += bytes;
    return bytes > 0 && streamOf(i) === stream ? [span] : [];
  });
}
