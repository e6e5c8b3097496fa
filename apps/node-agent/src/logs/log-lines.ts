import { type FileHandle } from 'node:fs/promises';
import { type KeptBytes } from './kept-bytes';

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** @returns fewer bytes at the file's end */
export async function readChunk(file: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(bytes), 0, bytes, offset);
  return buffer.subarray(0, bytesRead);
}

/**
 * The beginning of the first line at `target` or behind it.
 * @param most bytes that are looked through
 * @returns `target` where a line is longer than that
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
 * Where the last `wanted` lines begin, an unfinished one counted.
 * @returns undefined where fewer are kept
 */
export async function tailStart(file: FileHandle, kept: KeptBytes, wanted: number): Promise<number | undefined> {
  if (wanted === 0 || kept.end <= kept.start) return wanted === 0 ? kept.end : undefined;
  const last = await readChunk(file, kept.end - 1, 1);
  let lines = last[0] === NEWLINE ? 0 : 1;
  for (let end = kept.end; end > kept.start; end -= CHUNK_BYTES) {
    const start = Math.max(kept.start, end - CHUNK_BYTES);
    const chunk = await readChunk(file, start, end - start);
    for (let i = chunk.lastIndexOf(NEWLINE); i >= 0; i = i === 0 ? -1 : chunk.lastIndexOf(NEWLINE, i - 1)) {
      if (lines >= wanted) return start + i + 1;
      lines++;
    }
  }
  return lines >= wanted ? kept.start : undefined;
}
