import { NamedDeletes } from './named-deletes';

it.each([
  ['a create that knows of none', 'a', 0, 2],
  ['one that knows of an earlier one', 'a', 1, 2],
  ['one that comes after it', 'a', 2, undefined],
  ['one that deletes by name do not concern', 'a', undefined, undefined],
  ['one of another name', 'b', 0, undefined],
])('%s is overtaken by', (_what, name, after, number) => {
  const deletes = new NamedDeletes(() => 5);
  deletes.add('ns', 'a');
  deletes.add('ns', 'a');
  expect(deletes.overtaking('ns', name, after)?.number).toBe(number);
  expect(deletes.overtaking('other', name, after)).toBeUndefined();
});

it('a delete is remembered for longer than a create may take, with its age, and the last 4,096 names are', () => {
  let now = 0;
  const deletes = new NamedDeletes(() => now);
  deletes.add('ns', 'a');
  now = 600_000;
  expect(deletes.last('ns', 'a')).toEqual({ number: 1, ageMs: 600_000 });
  now = 660_000;
  expect(deletes.last('ns', 'a')).toBeUndefined();
  deletes.add('ns', 'a');
  for (let i = 0; i < 4_095; i++) deletes.add('ns', `other-${i}`);
  expect(deletes.last('ns', 'a')).toBeDefined();
  deletes.add('ns', 'one-more');
  expect(deletes.last('ns', 'a')).toBeUndefined();
});
