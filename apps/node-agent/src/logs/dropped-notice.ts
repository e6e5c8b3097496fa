/**
 * The line that stands in a log for bytes that are not kept any more. Pure.
 *
 * It is a line of its own. Where the reader had got only the beginning of a line, the notice says so, and the newline before
 * it is not the process's.
 * @example `--- fast-sandbox: 1048576 bytes dropped: the log outgrew its limit before they were read ---`
 */
export function droppedNotice(bytes: number, isMidLine: boolean): Buffer {
  const where = isMidLine ? ' in mid-line' : '';
  const text = `--- fast-sandbox: ${bytes} bytes dropped${where}: the log outgrew its limit before they were read ---\n`;
  return Buffer.from(isMidLine ? `\n${text}` : text);
}
