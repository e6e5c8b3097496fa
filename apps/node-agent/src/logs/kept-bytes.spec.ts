import * as fc from 'fast-check';
import { type KeptBytes, nextRead, trimTarget } from './kept-bytes';

const MAX_BYTES = 16;

interface Reader {
  position: number;
  /** positions of the bytes received */
  readonly received: number[];
  dropped: number;
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), bytes: fc.integer({ min: 0, max: 200 }) }),
  fc.record({ kind: fc.constant('trim' as const), toLine: fc.integer({ min: 0, max: MAX_BYTES }) }),
  fc.record({ kind: fc.constant('read' as const), who: fc.nat(2), most: fc.integer({ min: 1, max: 64 }) }),
);

function read(reader: Reader, kept: KeptBytes, until: number, most: number): number {
  const { dropped, from, bytes } = nextRead(reader.position, kept, until, most);
  for (let i = 0; i < bytes; i++) reader.received.push(from + i);
  reader.dropped += dropped;
  reader.position += dropped + bytes;
  return dropped + bytes;
}

describe('nextRead and trimTarget', () => {
  it('give each reader every byte once, in order, or count it as dropped', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let kept: KeptBytes = { start: 0, end: 0 };
        const readers: Reader[] = [0, 1, 2].map(() => ({ position: 0, received: [], dropped: 0 }));
        for (const one of steps) {
          if (one.kind === 'write') kept = { ...kept, end: kept.end + one.bytes };
          else if (one.kind === 'trim') {
            const target = trimTarget(kept, MAX_BYTES);
            if (target === undefined) expect(kept.end - kept.start).toBeLessThanOrEqual(4 * MAX_BYTES);
            else {
              expect(target).toBeGreaterThan(kept.start);
              kept = { ...kept, start: target + one.toLine };
              expect(kept.end - kept.start).toBeGreaterThanOrEqual(2 * MAX_BYTES);
            }
          } else {
            const reader = readers[one.who]!;
            const first = reader.received.length;
            read(reader, kept, Infinity, one.most);
            for (const at of reader.received.slice(first)) expect(at).toBeGreaterThanOrEqual(kept.start);
          }
        }
        for (const reader of readers) {
          while (read(reader, kept, kept.end, 1000) > 0);
          expect(reader.received.length + reader.dropped).toBe(kept.end);
          expect(reader.received.every((at, i) => i === 0 || at > reader.received[i - 1]!)).toBe(true);
        }
      }),
    );
  });

  it.each([
    ['reads the next bytes', 10, 100, { dropped: 0, from: 10, bytes: 8 }],
    ['reads the rest before `until`', 10, 15, { dropped: 0, from: 10, bytes: 5 }],
    ['reads nothing at `until`', 20, 20, { dropped: 0, from: 20, bytes: 0 }],
    ['reads nothing at the end of the log', 30, 100, { dropped: 0, from: 30, bytes: 0 }],
    ['counts dropped bytes, then reads kept ones', 1, 100, { dropped: 4, from: 5, bytes: 8 }],
    ['counts dropped bytes up to `until`', 1, 4, { dropped: 3, from: 4, bytes: 0 }],
  ])('nextRead: %s', (_what, position, until, expected) => {
    expect(nextRead(position, { start: 5, end: 30 }, until, 8)).toEqual(expected);
  });
});
