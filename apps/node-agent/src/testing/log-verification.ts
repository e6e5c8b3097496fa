/** Bytes of a line as the tests' processes write it, with its number in it. */
export const LINE_BYTES = 57;
const NOTICE = /^--- fast-sandbox: (\d+) bytes dropped( in mid-line)?: .* ---$/;

export const lineOf = (i: number): string => `${String(i).padStart(7, '0')} ${String(i).padStart(48, '0')}\n`;

/**
 * Compares the text of a reader byte for byte with what was written from the beginning on.
 * @param total bytes written
 * @returns bytes dropped, according to notices
 * @throws Error at the first difference
 */
export function verify(text: string, total: number): number {
  let position = 0;
  let dropped = 0;
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new Error('the last line has no end');
  for (const [at, line] of lines.entries()) {
    const notice = NOTICE.exec(line);
    if (notice) {
      position += Number(notice[1]);
      dropped += Number(notice[1]);
      continue;
    }
    const cut = NOTICE.exec(lines[at + 1] ?? '')?.[2] !== undefined;
    const got = line + (cut ? '' : '\n');
    const wanted = lineOf(Math.floor(position / LINE_BYTES)).slice(position % LINE_BYTES);
    if (cut ? !wanted.startsWith(got) : wanted !== got) {
      const [is, should] = [got, wanted].map((part) => JSON.stringify(part.slice(0, 80)));
      throw new Error(`at byte ${position} (line ${at}, ${got.length} bytes): ${is} instead of ${should}`);
    }
    position += got.length;
  }
  if (position !== total) throw new Error(`${position} bytes of ${total}`);
  return dropped;
}
