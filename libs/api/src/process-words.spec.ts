import { checkProcessWords, expandProcess, VARIABLE_NAME } from './process-words';

const KIB_128 = 128 * 1024;

/** After the kubelet's own table (third_party/forked/golang/expansion). */
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
  ['$(C)', '$(A)'], // what has come in is not expanded again
])('expands %s to %s', (text, expected) => {
  const envs = { A: 'a', B: 'b', C: '$$(A)' };
  expect(expandProcess({ command: [text], args: [text], envs })).toMatchObject({
    command: [expected],
    args: [expected],
  });
});

it('expands values by the variables before them, but none that a Secret gives', () => {
  const envs = { LATER: '$(HOST)', HOST: 'h', URL: 'http://$(HOST)', PASSWORD: 'a$$b$(HOST)', DSN: '$(PASSWORD)' };
  expect(expandProcess({ envs }, new Set(['PASSWORD'])).envs).toEqual({
    ...{ LATER: '$(HOST)', HOST: 'h', URL: 'http://h' },
    ...{ PASSWORD: 'a$$b$(HOST)', DSN: 'a$$b$(HOST)' },
  });
});

it('counts bytes, with the NUL that ends a word', () => {
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

it('ends at once where values grow by each other', () => {
  const envs: Record<string, string> = { V0: 'x'.repeat(100) };
  for (let i = 1; i < 100; i++) envs[`V${i}`] = `$(V${i - 1})`.repeat(10);
  expect(() => expandProcess({ envs })).toThrow(/^envs: /);
  const args = Array.from({ length: 1000 }, () => '$(V2)');
  expect(() => expandProcess({ args, envs: { V2: 'x'.repeat(100_000) } })).toThrow(/together/);
});

it.each(['-dash', '.dot', '1digit', 'A:B', 'a b', 'my.env-name', '"', '~'])('takes %s for a name', (name) => {
  expect(name).toMatch(VARIABLE_NAME);
});
it.each(['', 'A=B', 'é', 'a\nb', '\x7f'])('refuses %j as a name', (name) => {
  expect(name).not.toMatch(VARIABLE_NAME);
});
