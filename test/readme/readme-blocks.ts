/** Code block of a Markdown text. */
export interface Block {
  /** 1 is the first line of the text */
  readonly line: number;
  /** as after the fence: `sh`, `ts`, `python`, `mermaid` */
  readonly language: string;
  readonly code: string;
  /** text of the comment `<!-- readme: … -->` on the line before the fence; empty where there is none */
  readonly mark: string;
}

/**
 * Code blocks in the order of the text. A fence inside a block ends it, as in Markdown.
 * @example blocksOf('<!-- readme: file a.ts -->\n```ts\nx\n```\n') // [{ line: 2, language: 'ts', code: 'x\n', mark: 'file a.ts' }]
 */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const language = /^```(\w+)$/.exec(lines[at] ?? '')?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw new Error(`line ${at + 1}: the block has no end`);
    const mark = /^<!-- readme: (.+) -->$/.exec(lines[at - 1] ?? '')?.[1] ?? '';
    blocks.push({ line: at + 1, language, code: `${lines.slice(at + 1, end).join('\n')}\n`, mark });
    at = end;
  }
  return blocks;
}
