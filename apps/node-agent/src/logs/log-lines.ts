import { type FileHandle } from 'node:fs/promises';
import { type KeptBytes } from './kept-bytes';
import { type Span } from './log-turns';

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** Reads a part of a file. @returns fewer bytes at the file's end */
export async function readChunk(file: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(bytes), 0, bytes, offset);
  return buffer.subarray(0, bytesRead);
}

/**
 * The beginning of the first line at or after `target`.
 * @param most bytes to search
 * @returns `target` where no line begins within them
 */
export async function lineStart(file: FileHandle, target: number, most: number): Promise<number> {
  const end = target + most;
  for (let at = target - 1; at < end; at += CHUNK_BYTES) {
    const chunk = await readChunk(file, at, Math.min(CHUNK_BYTES, end - at));
    const found = chunk.indexOf(NEWLINE);
    if (found >= 0) return at + found + 1;
    if (chunk.length === 0) break;
  }
  return target;
}

/**
 * The beginning of the last `wanted` lines. An unfinished line counts.
 * @param spansIn selects the bytes that count between two positions, as those of one stream
 * @returns undefined where fewer lines are kept
 */
export async function tailStart(
  file: FileHandle,
  kept: KeptBytes,
  wanted: number,
  spansIn: (from: number, until: number) => Promise<readonly Span[]> = wholeOf,
): Promise<number | undefined> {
  if (wanted === 0) return kept.end;
  let lines: number | undefined;
  for (let end = kept.end; end > kept.start; end -= CHUNK_BYTES) {
    const start = Math.max(kept.start, end - CHUNK_BYTES);
    const chunk = await readChunk(file, start, end - start);
    for (const { from, until } of [...(await spansIn(start, end))].reverse()) {
      const bytes = chunk.subarray(from - start, until - start);
      lines ??= bytes.at(-1) === NEWLINE ? 0 : 1;
      const ends = lineEnds(bytes, wanted - lines + 1);
      lines += ends.length;
      const last = ends.at(-1);
      if (lines > wanted && last !== undefined) return from + last + 1;
    }
  }
  return lines !== undefined && lines >= wanted ? kept.start : undefined;
}

/** Offsets of line ends, last first, `most` at most. */
function lineEnds(bytes: Buffer, most: number): number[] {
  const ends: number[] = [];
  for (
    let i = bytes.lastIndexOf(NEWLINE);
    i >= 0 && ends.length < most;
    i = i === 0 ? -1 : bytes.lastIndexOf(NEWLINE, i - 1)
  )
    ends.push(i);
  return ends;
}

function wholeOf(from: number, until: number): Promise<readonly Span[]> {
  return Promise.resolve([{ from, until }]);
}
