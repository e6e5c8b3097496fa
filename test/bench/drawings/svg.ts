export interface Line {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly color?: string;
  /** pixels; default 12 */
  readonly size?: number;
}

/** A palette that colour-blind readers can distinguish. */
export const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#666666', '#8c564b'];
const INK = '#24292f';

export function svg(width: number, height: number, title: string, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

export function text({ x, y, text: words, anchor = 'start', color = INK, size }: Line): string {
  const sized = size === undefined ? '' : ` font-size="${size}"`;
  return `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}" fill="${color}"${sized}>${escape(words)}</text>`;
}

export function fixed(value: number): string {
  return String(Number(value.toFixed(1)));
}

function escape(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
