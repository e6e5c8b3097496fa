import { checkProcessWords, expandProcess, VARIABLE_NAME } from './process-words';

const KIB_128 = 128 * 1024;

/** Cases of the kubelet's own table (third_party/forked/golang/expansion). */
it.each([
  ['$(A)', 'a'],
  ['x$(A)y$(B)z', 'xaybz'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$a'],
  ['$$$$(A)', '$$(A)'],
  ['$(NONE)', '$(NONE)'],
  ['$(A', '$(A'],
  ['$A $ $', '$A $ $'],
  ['$()', '$()'],
  ['$(A$(B))', '$(A$(B))'],
  ['$(C)', '$(A)'], // an expanded value is not expanded again
])('expandProcess: %s becomes %s', (text, expected) => {
  const envs = { A: 'a', B: 'b', C: '$$(A)' };
  expect(expandProcess({ command: [text], args: [text], envs })).toMatchObject({
    command: [expected],
    args: [expected],
  });
});

it('expandProcess: expands a value by the variables before it, but not a value from a Secret', () => {
  const envs = { LATER: '$(HOST)', HOST: 'h', URL: 'http://$(HOST)', PASSWORD: 'a$$b$(HOST)', DSN: '$(PASSWORD)' };
  expect(expandProcess({ envs }, new Set(['PASSWORD'])).envs).toEqual({
    ...{ LATER: '$(HOST)', HOST: 'h', URL: 'http://h' },
    ...{ PASSWORD: 'a$$b$(HOST)', DSN: 'a$$b$(HOST)' },
  });
});

it('checkProcessWords: counts bytes, and the NUL that ends a word', () => {
  expect(() => {
    checkProcessWords({ args: ['a'.repeat(KIB_128 - 1)], envs: { A: 'é'.repeat(KIB_128 / 2 - 2) } });
  }).not.toThrow();
  expect(() => {
    checkProcessWords({ args: ['é'.repeat(KIB_128 / 2)], envs: {} });
  }).toThrow(/^args: /);
  expect(() => {
    checkProcessWords({ envs: { X: 'é'.repeat(70_000) } });
  }).toThrow(/^envs: /);
});

it('expandProcess: refuses values that multiply each other without building them', () => {
  const envs: Record<string, string> = { V0: 'x'.repeat(100) };
  for (let i = 1; i < 100; i++) envs[`V${i}`] = `$(V${i - 1})`.repeat(10);
  expect(() => expandProcess({ envs })).toThrow(/^envs: /);
  const args = Array.from({ length: 1000 }, () => '$(V2)');
  expect(() => expandProcess({ args, envs: { V2: 'x'.repeat(100_000) } })).toThrow(/together/);
});

it.each(['-dash', '.dot', '1digit', 'A:B', 'a b', 'my.env-name', '"', '~'])('VARIABLE_NAME: takes %s', (name) => {
  expect(name).toMatch(VARIABLE_NAME);
});
it.each(['', 'A=B', 'é', 'a\nb', '\x7f'])('VARIABLE_NAME: refuses %j', (name) => {
  expect(name).not.toMatch(VARIABLE_NAME);
});
