import { addTurn, bytesOf, decodeEntries, ENTRY_BYTES, spansOf, stdoutBefore, turnsOf } from './log-turns';

const entry = (position: number, stream: 'stdout' | 'stderr', before: number) => ({
  ...{ position, stream, stdoutBefore: before },
});

describe('turnsOf', () => {
  // 10 of stdout, 5 of stderr, 3 of stdout, 2 of stderr
  const entries = [entry(10, 'stderr', 10), entry(15, 'stdout', 10), entry(18, 'stderr', 13)];

  it.each([
    [0, 20, entries, [10, 5, 3, 2]],
    [0, 12, entries, [10, 2]],
    [10, 15, entries, [0, 5]],
    [12, 16, entries, [0, 3, 1]],
    [15, 18, entries.slice(1), [3]],
    [19, 20, entries.slice(2), [0, 1]],
    [20, 20, entries.slice(2), []],
    [0, 7, [], [7]],
    [3, 7, [entry(0, 'stdout', 0)], [4]], // a freed entry: zeros
    [0, 4, [entry(0, 'stderr', 0)], [0, 4]],
    [0, 4, [entry(0, 'stderr', 0), entry(4, 'stdout', 0)], [0, 4]],
  ] as const)('from %d to %d', (from, until, some, turns) => {
    expect(turnsOf(some, from, until)).toEqual(turns);
  });

  it('gives bytesOf and spansOf the bytes and spans of each stream', () => {
    const turns = [10, 5, 3, 2];
    expect([bytesOf(turns, 'stdout'), bytesOf(turns, 'stderr')]).toEqual([13, 7]);
    expect(spansOf(turns, 100, 'stderr')).toEqual([
      { from: 110, until: 115 },
      { from: 118, until: 120 },
    ]);
  });

  it('is built by addTurn, which joins turns of one stream', () => {
    const turns: number[] = [];
    for (const [stream, bytes] of [
      ['stderr', 1],
      ['stderr', 2],
      ['stdout', 0],
      ['stderr', 3],
      ['stdout', 4],
    ] as const)
      addTurn(turns, stream, bytes);
    expect(turns).toEqual([0, 6, 4]);
  });
});

describe('stdoutBefore', () => {
  it.each([
    [7, undefined, 7],
    [12, entry(10, 'stderr', 10), 10],
    [17, entry(15, 'stdout', 10), 12],
  ] as const)('at %d', (position, last, bytes) => {
    expect(stdoutBefore(position, last)).toBe(bytes);
  });
});

describe('decodeEntries', () => {
  it('reads positions beyond 4 GiB and omits an incomplete entry', () => {
    const bytes = Buffer.alloc(ENTRY_BYTES + 7);
    bytes.writeBigUInt64LE(((2n ** 40n) << 1n) | 1n, 0);
    bytes.writeBigUInt64LE(2n ** 39n, 8);
    expect(decodeEntries(bytes)).toEqual([entry(2 ** 40, 'stderr', 2 ** 39)]);
  });
});
