import { type Footprint, largestGrower } from './grower-plan';

const MIB = 1024 * 1024;
const seen = (bytes: number): Footprint => ({ bytes: bytes * MIB, written: 0, isWhole: true });
const unseen = (bytes: number, written: number): Footprint => ({
  bytes: bytes * MIB,
  written: written * MIB,
  isWhole: false,
});
type Looks = Record<string, Footprint>;

it.each<[string, Looks, Looks, string | undefined]>([
  ['none without sandboxes', {}, {}, undefined],
  ['not the largest, which does not grow', { big: seen(900), new: seen(1) }, { big: seen(900), new: seen(9) }, 'new'],
  ['a sandbox that was not there before', { big: seen(900) }, { big: seen(905), new: seen(9) }, 'new'],
  ['none where one shrinks and one writes a log', { a: seen(9), b: seen(3) }, { a: seen(1), b: seen(4) }, undefined],
  ['by bytes written, if files may hide', { a: unseen(1, 10), b: seen(1) }, { a: unseen(1, 90), b: seen(40) }, 'a'],
  ['not by bytes written, if all is measured', { a: seen(1) }, { a: { ...seen(1), written: 900 * MIB } }, undefined],
])('largestGrower: %s', (_what, before, now, expected) => {
  const of = (looks: Looks): Map<string, Footprint> => new Map(Object.entries(looks));
  expect(largestGrower(of(before), of(now))?.id).toBe(expected);
});
