import { endedLogsToRemove } from './ended-logs-plan';

const MIB = 1024 * 1024;
const log = (sandboxId: string, endedAt: number, more: object = {}) => ({
  ...{ sandboxId, uid: sandboxId, namespace: 'a', name: sandboxId, bytes: MIB },
  endedAt: new Date(endedAt).toISOString(),
  ...more,
});
const limits = { namespaceBytes: 2 * MIB, nodeBytes: 3 * MIB };

describe('endedLogsToRemove', () => {
  it.each([
    ['selects nothing below the limits', [log('x', 1), log('y', 2)], [], []],
    ['removes the oldest of a namespace', [log('y', 2), log('x', 1), log('z', 3)], [], ['x namespace']],
    [
      'removes the oldest of the node',
      [log('x', 1), log('y', 2), log('b1', 3, { namespace: 'b' }), log('b2', 4, { namespace: 'b' })],
      [],
      ['x node'],
    ],
    [
      'does not count a log that was removed already',
      [log('x', 1), log('y', 2), log('z', 3, { bytes: 0, removed: { at: '', limit: 'node', maxBytes: 1 } })],
      [],
      [],
    ],
    [
      'removes a log again whose removal was interrupted, and does not count it',
      [log('x', 1), log('y', 2), log('z', 3, { removed: { at: '', limit: 'node', maxBytes: 1 } })],
      [],
      ['z node'],
    ],
    [
      'forgets containers of an object before its last two',
      [log('x', 1, { uid: 'u' }), log('y', 2, { uid: 'u' }), log('z', 3, { uid: 'u' })],
      ['x'],
      [],
    ],
  ])('%s', (_what, logs, forget, remove) => {
    const step = endedLogsToRemove(logs, limits);
    expect(step.forget).toEqual(forget);
    expect(step.remove.map(({ sandboxId, limit }) => `${sandboxId} ${limit}`)).toEqual(remove);
  });

  it('counts a small log as 64 KiB', () => {
    const logs = Array.from({ length: 100 }, (_, i) => log(`s${i}`, i, { bytes: 10 }));
    expect(endedLogsToRemove(logs, limits).remove).toHaveLength(100 - 32);
  });
});
