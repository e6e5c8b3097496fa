import { setCondition } from './conditions';

const ready = { type: 'Ready', status: 'True', reason: 'Up', message: '' } as const;
const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second, 5));

it('setCondition: changes the transition time only with the status', () => {
  const first = setCondition(undefined, ready, at(1));
  expect(first).toEqual([{ ...ready, lastTransitionTime: '2026-01-01T00:00:01Z' }]);
  const same = setCondition(first, { ...ready, reason: 'StillUp' }, at(2));
  expect(same).toEqual([{ ...ready, reason: 'StillUp', lastTransitionTime: '2026-01-01T00:00:01Z' }]);
  const other = setCondition(same, { ...ready, status: 'False' }, at(3));
  expect(other[0]?.lastTransitionTime).toBe('2026-01-01T00:00:03Z');
});

it('setCondition: keeps the other conditions and their order', () => {
  const both = setCondition(setCondition([], ready, at(1)), { ...ready, type: 'Valid' }, at(1));
  expect(setCondition(both, { ...ready, status: 'False' }, at(2)).map(({ type }) => type)).toEqual(['Ready', 'Valid']);
});
