import { execFileSync } from 'node:child_process';
import { awkScript, Output, pythonScript } from './output';
import { OutputCheck, type OutputFault, type Start } from './output-check';

const SHAPE = { first: 4711, lines: 3_000, open: false };
const output = new Output(SHAPE);
const whole = Buffer.concat([...output.blocks()]);
const at = (line: number): number => new Output({ ...SHAPE, lines: line }).bytes;
const notice = (bytes: number, where = ''): Buffer =>
  text(`--- fast-sandbox: ${bytes} bytes dropped${where}: the log outgrew its limit before they were read ---\n`);
const text = (content: string): Buffer => Buffer.from(content, 'latin1');

/** The fault of a log that arrives in pieces, as from a stream. */
function judge(bytes: Buffer, start: Start = { from: 'all' }, toTheEnd = true, piece = 1_000): OutputFault | undefined {
  const check = new OutputCheck(output, { start, toTheEnd });
  for (let from = 0; from < bytes.length; from += piece) check.take(bytes.subarray(from, from + piece));
  return check.end()?.kind;
}

describe('Output', () => {
  it.each([
    ['awk', false, (pauses: number) => run('busybox', ['awk', awkScript(SHAPE, pauses)])],
    [
      'Python',
      true,
      (pauses: number) => run('/usr/bin/python3', ['-c', pythonScript({ ...SHAPE, open: true }, pauses)]),
    ],
  ])('equals what %s prints', (_what, open, print) => {
    const wanted = open ? whole.subarray(0, -1) : whole;
    expect(print(0).equals(wanted)).toBe(true);
    expect(print(2).equals(wanted)).toBe(true);
    expect(new Output({ ...SHAPE, open }).bytes).toBe(wanted.length);
  });

  it('computes any line without those before it', () => {
    const lines = whole.toString('latin1').split(/(?<=\n)/);
    expect([0, 1, 1_234, 2_999].map((index) => output.line(index))).toEqual(
      [0, 1, 1_234, 2_999].map((index) => lines[index]),
    );
  });
});

describe('OutputCheck: a log that', () => {
  it.each<[string, Buffer, Start, OutputFault | undefined]>([
    ['is whole', whole, { from: 'all' }, undefined],
    ['is empty', Buffer.alloc(0), { from: 'all' }, 'log: nothing came'],
    ['ends early, at a line', whole.subarray(0, at(2_999)), { from: 'all' }, 'log: its end is missing'],
    ['ends early, within a line', whole.subarray(0, -3), { from: 'all' }, 'log: its end is missing'],
    ['begins late', whole.subarray(at(7)), { from: 'all' }, 'log: lines are missing'],
    [
      'has a hole',
      Buffer.concat([whole.subarray(0, at(900)), whole.subarray(at(1_000))]),
      { from: 'all' },
      'log: lines are missing',
    ],
    [
      'has a hole that is glued within lines',
      Buffer.concat([whole.subarray(0, at(900) + 5), whole.subarray(at(1_000) + 9)]),
      { from: 'all' },
      'log: lines are missing',
    ],
    [
      'repeats',
      Buffer.concat([whole.subarray(0, at(900)), whole.subarray(at(500))]),
      { from: 'all' },
      'log: lines come twice',
    ],
    ['has more behind its end', Buffer.concat([whole, text('more')]), { from: 'all' }, 'log: other bytes'],
    [
      'has another byte',
      Buffer.concat([whole.subarray(0, 5_000), text('#'), whole.subarray(5_001)]),
      { from: 'all' },
      'log: other bytes',
    ],
    [
      'names its hole',
      Buffer.concat([whole.subarray(0, at(900)), notice(at(1_000) - at(900)), whole.subarray(at(1_000))]),
      { from: 'all' },
      undefined,
    ],
    [
      'names its hole within a line',
      Buffer.concat([
        whole.subarray(0, at(900) + 5),
        text('\n'),
        notice(at(1_000) - at(900) - 5, ' in mid-line'),
        whole.subarray(at(1_000)),
      ]),
      { from: 'all' },
      undefined,
    ],
    [
      'names its hole before the newline of a line',
      Buffer.concat([
        whole.subarray(0, at(900) - 1),
        text('\n'),
        notice(at(1_000) - at(900) + 1, ' in mid-line'),
        whole.subarray(at(1_000)),
      ]),
      { from: 'all' },
      undefined,
    ],
    [
      'begins with a notice of what is not kept',
      Buffer.concat([notice(at(900)), whole.subarray(at(900))]),
      { from: 'kept' },
      undefined,
    ],
    [
      'names another hole than it has',
      Buffer.concat([whole.subarray(0, at(900)), notice(12), whole.subarray(at(1_000))]),
      { from: 'all' },
      'log: lines are missing',
    ],
    ['is kept from a line on', whole.subarray(at(2_000)), { from: 'kept' }, undefined],
    ['is kept from within a line', whole.subarray(at(2_000) + 3), { from: 'kept' }, 'log: begins within a line'],
    [
      'has a hole in what is kept',
      Buffer.concat([whole.subarray(at(5), at(900)), whole.subarray(at(901))]),
      { from: 'kept' },
      'log: lines are missing',
    ],
    ['is its last lines', whole.subarray(at(2_990)), { from: 'last', lines: 10 }, undefined],
    ['is one line more than the last', whole.subarray(at(2_989)), { from: 'last', lines: 10 }, 'log: lines come twice'],
    [
      'is one line less than the last',
      whole.subarray(at(2_991)),
      { from: 'last', lines: 10 },
      'log: lines are missing',
    ],
    ['is none of the last', Buffer.alloc(0), { from: 'last', lines: 0 }, undefined],
  ])('%s', (_what, bytes, start, kind) => {
    expect(judge(bytes, start)).toBe(kind);
    expect(judge(bytes, start, true, 37)).toBe(kind);
  });

  it('may end anywhere when its reader leaves, but the bytes received are compared', () => {
    expect(judge(whole.subarray(0, 777), { from: 'all' }, false)).toBeUndefined();
    expect(judge(Buffer.alloc(0), { from: 'all' }, false)).toBeUndefined();
    expect(judge(whole.subarray(1, 777), { from: 'all' }, false)).toBe('log: other bytes');
  });
});

function run(command: string, args: readonly string[]): Buffer {
  return execFileSync(command, args, { maxBuffer: 64 * 1024 * 1024 });
}
