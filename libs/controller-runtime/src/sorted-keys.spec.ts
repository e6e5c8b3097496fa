import fc from 'fast-check';
import { SortedKeys } from './sorted-keys';

const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', '-', '0'), maxLength: 4 });

it('SortedKeys: equals a sorted set, from any key on, after any adds and deletes (property)', () => {
  const step = fc.record({ add: fc.boolean(), key });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 2_000, size: 'max' }), key, (steps, from) => {
      const keys = new SortedKeys();
      const expected = new Set<string>();
      for (const { add, key: each } of steps) {
        if (add) keys.add(each);
        else keys.delete(each);
        if (add) expected.add(each);
        else expected.delete(each);
      }
      expect([...keys.after(from)]).toEqual([...expected].filter((each) => each > from).sort());
    }),
    { numRuns: 50 },
  );
});

it('SortedKeys: keeps the order over many chunks', () => {
  const keys = new SortedKeys();
  const names = Array.from({ length: 5_000 }, (_, index) => `n/${String((index * 7919) % 5_000).padStart(5, '0')}`);
  for (const name of names) keys.add(name);
  expect([...keys.after('')]).toEqual([...names].sort());
  expect(keys.after('n/02499').next().value).toBe('n/02500');
  for (const name of names.filter((_, index) => index % 2 === 0)) keys.delete(name);
  expect([...keys.after('')]).toEqual(names.filter((_, index) => index % 2 === 1).sort());
});
