import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Of a log's end, what is looked at for the reason of a crash. */
const TAIL_BYTES = 8 * 1024;
const MAX_CHARS = 200;
/** An uncaught error of Node's, a panic of Go's, or a fatal or error record of our own logs. */
const REASON = /^(?:\w*Error\b|panic:|fatal\b)|"level":(?:"(?:error|fatal)"|[56]0)/;

/** How a process ended, as far as its parent was told. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * One line for people about the end of a process: its signal or exit code, and the line of its log that looks like the cause.
 * @param end undefined: nobody was told, as of a process that another supervisor had started
 * @returns at most 250 characters, without control characters
 */
export function endReason(end: ProcessEnd | undefined, logTail: string): string {
  const how = !end ? 'ended' : end.signal !== null ? `killed by ${end.signal}` : `exit code ${end.code ?? 0}`;
  const lines = logTail.split('\n').filter((line) => line.trim() !== '');
  // a killed process says nothing of it: its last error is of something else
  const said = end?.signal ? undefined : lines.findLast((line) => REASON.test(line.trim()));
  if (said === undefined) return how;
  return `${how}: ${said
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, MAX_CHARS)}`;
}

/** The end of a log file; empty where it cannot be read. */
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
