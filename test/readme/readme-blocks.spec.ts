import { blocksOf } from './readme-blocks';

describe('blocksOf', () => {
  it('finds blocks with their lines, languages and marks', () => {
    const text = 'a\n\n<!-- readme: file x.ts -->\n```ts\none\ntwo\n```\n\n```sh\nls\n```\n';
    expect(blocksOf(text)).toEqual([
      { line: 4, language: 'ts', code: 'one\ntwo\n', mark: 'file x.ts' },
      { line: 9, language: 'sh', code: 'ls\n', mark: '' },
    ]);
  });

  it('names the line of a block without an end', () => {
    expect(() => blocksOf('```sh\nls\n')).toThrow('line 1');
  });
});
