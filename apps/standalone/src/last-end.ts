import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Bytes of a log's end that are searched for the reason of a crash. */
const TAIL_BYTES = 8 * 1024;
const MAX_CHARS = 200;
/** An uncaught error of Node, a panic of Go, or a fatal or error record of our own logs. */
const REASON = /^(?:\w*Error\b|panic:|fatal\b)|"level":(?:"(?:error|fatal)"|[56]0)/;

/** How a process ended, from the `exit` event of its parent. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * One line about the end of a process: its signal or exit code, and the line of its log that looks like the cause.
 * @param end undefined: unknown, as for a process that an earlier supervisor started
 * @returns at most 250 characters, without control characters
 * @example endReason({ code: 1, signal: null }, 'Error: aborted\n'); // 'exit code 1: Error: aborted'
 */
export function endReason(end: ProcessEnd | undefined, logTail: string): string {
  const how = !end ? 'ended' : end.signal !== null ? `killed by ${end.signal}` : `exit code ${end.code ?? 0}`;
  const lines = logTail.split('\n').filter((line) => line.trim() !== '');
  // a killed process logs nothing about its end: its last error has another cause
  const cause = end?.signal ? undefined : lines.findLast((line) => REASON.test(line.trim()));
  if (cause === undefined) return how;
  return `${how}: ${cause
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, MAX_CHARS)}`;
}

/** The last 8 KiB of a log file; empty when it cannot be read. */
export function logTail(path: string): string {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const start = Math.max(0, fstatSync(file).size - TAIL_BYTES);
    const bytes = Buffer.alloc(TAIL_BYTES);
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, TAIL_BYTES, start));
  } catch {
    return '';
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
