import { setBounded } from './set-bounded';

it('setBounded: drops the entry that was set longest ago', () => {
  const map = new Map<string, number>();
  for (const [i, key] of ['', 'b', '', 'c', 'd'].entries()) setBounded(map, key, i, 3);
  expect([...map]).toEqual([
    ['', 2],
    ['c', 3],
    ['d', 4],
  ]);
});
