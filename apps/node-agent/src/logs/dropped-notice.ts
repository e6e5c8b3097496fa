/**
 * The line that stands in a log for bytes that were dropped. Pure.
 *
 * A line of its own. Where the reader has received only the beginning of a line, the notice says so, and the newline
 * before it is not from the process.
 * @example `--- fast-sandbox: 1048576 bytes dropped: the log outgrew its limit before they were read ---`
 */
export function droppedNotice(bytes: number, isMidLine: boolean): Buffer {
  const where = isMidLine ? ' in mid-line' : '';
  const text = `--- fast-sandbox: ${bytes} bytes dropped${where}: the log outgrew its limit before they were read ---\n`;
  return Buffer.from(isMidLine ? `\n${text}` : text);
}
