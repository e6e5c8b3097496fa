import { containerOfSnapshot, snapshotKey } from './snapshot-key';

it('containerOfSnapshot: reads what snapshotKey writes', () => {
  expect(containerOfSnapshot(snapshotKey('warm-1'))).toBe('warm-1');
});

it.each(['sha256:abc', '-snapshot', 'x-snapshot-2', ''])('containerOfSnapshot: %j is not of a container', (key) => {
  expect(containerOfSnapshot(key)).toBeUndefined();
});
