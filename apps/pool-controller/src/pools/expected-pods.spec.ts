import { type Pod } from '@fsb/controller-runtime/kinds';
import { ExpectedPods } from './expected-pods';

const pod = (name: string, uid = `uid-${name}`): Pod => ({ metadata: { name, namespace: 'n', uid } });
const names = (pods: Pod[]): (string | undefined)[] => pods.map(({ metadata }) => metadata.name);
const leaving = (pods: Pod[]): (string | undefined)[] =>
  names(pods.filter(({ metadata }) => metadata.deletionTimestamp !== undefined));

let expected: ExpectedPods;
beforeEach(() => {
  expected = new ExpectedPods();
});

it('ExpectedPods: adds a created Pod once, until the cache shows it', () => {
  expected.expectCreated('n/p', pod('a', ''), 0);
  expect(names(expected.apply('n/p', []))).toEqual(['a']);
  expect(names(expected.apply('n/other', []))).toEqual([]);
  expect(names(expected.apply('n/p', [pod('a')]))).toEqual(['a']);
  expect(names(expected.apply('n/p', []))).toEqual([]); // shown before, so now gone
});

it('ExpectedPods: marks a deleted Pod as terminating until the cache drops it', () => {
  expected.expectDeleted('n/p', 'uid-a');
  expect(leaving(expected.apply('n/p', [pod('a'), pod('b')]))).toEqual(['a']);
  expect(names(expected.apply('n/p', [pod('b')]))).toEqual(['b']);
  expect(leaving(expected.apply('n/p', [pod('a')]))).toEqual([]);
});

it('ExpectedPods: lists overdue Pods', () => {
  expected.expectCreated('n/p', pod('a'), 0);
  expected.expectCreated('n/p', pod('b'), 900);
  expect(expected.overdue('n/p', 1_000, 500)).toEqual(['a']);
  expect([expected.awaits('n/p'), expected.awaits('n/q')]).toEqual([true, false]);
  expected.forget('n/p', 'a');
  expect(names(expected.apply('n/p', []))).toEqual(['b']);
  expected.forgetPool('n/p');
  expect(expected.apply('n/p', [])).toEqual([]);
});
