import { NamedDeletes } from './named-deletes';

it.each([
  ['finds the last delete for a create that knows of none', 'a', 0, 2],
  ['finds the last delete for a create that knows of an earlier one', 'a', 1, 2],
  ['finds none for a create after the last delete', 'a', 2, undefined],
  ['finds none for a create that does not check deletes', 'a', undefined, undefined],
  ['finds none for a create of another name', 'b', 0, undefined],
])('NamedDeletes.overtaking: %s', (_what, name, after, number) => {
  const deletes = new NamedDeletes(() => 5);
  deletes.add('ns', 'a');
  deletes.add('ns', 'a');
  expect(deletes.overtaking('ns', name, after)?.number).toBe(number);
  expect(deletes.overtaking('other', name, after)).toBeUndefined();
});

it('NamedDeletes: remember the last 4,096 names with their age, each for longer than a create may take', () => {
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
