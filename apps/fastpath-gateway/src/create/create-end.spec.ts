import { endOfCreate } from './create-end';

it.each([
  ['before', 'deleted', true, 'nothing'],
  ['before', 'deleted', false, 'nothing'],
  ['before', 'left', true, 'nothing'],
  ['before', 'left', false, 'nothing'],
  ['before', 'late', true, 'nothing'],
  ['before', 'late', false, 'nothing'],
  ['asked', 'deleted', true, 'removed'],
  ['asked', 'deleted', false, 'removed'],
  ['asked', 'left', true, 'goes on'],
  ['asked', 'left', false, 'removed'],
  ['asked', 'late', true, 'goes on'],
  ['asked', 'late', false, 'removed'],
  ['made', 'deleted', true, 'removed'],
  ['made', 'deleted', false, 'removed'],
  ['made', 'left', true, 'goes on'],
  ['made', 'left', false, 'removed'],
  ['made', 'late', true, 'goes on'],
  ['made', 'late', false, 'removed'],
] as const)('endOfCreate: %s, %s, findable %s: %s', (progress, cause, isFindable, end) => {
  expect(endOfCreate(progress, cause, isFindable)).toBe(end);
});
