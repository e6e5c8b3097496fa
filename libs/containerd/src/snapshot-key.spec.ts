import { containerOfSnapshot, snapshotKey } from './snapshot-key';

it('containerOfSnapshot: inverts snapshotKey', () => {
  expect(containerOfSnapshot(snapshotKey('warm-1'))).toBe('warm-1');
});

it.each(['sha256:abc', '-snapshot', 'x-snapshot-2', ''])('containerOfSnapshot: %j gives undefined', (key) => {
  expect(containerOfSnapshot(key)).toBeUndefined();
});
