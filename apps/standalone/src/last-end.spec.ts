import { endReason } from './last-end';

const CRASH = [
  'node:events:497',
  '      throw er;',
  '',
  'Error: aborted',
  '    at abort (x.js:1:1)',
  '',
  'Node.js v20',
].join('\n');

describe('endReason', () => {
  it.each([
    ['a crash of Node', { code: 1, signal: null }, CRASH, 'exit code 1: Error: aborted'],
    ['a kill', { code: null, signal: 'SIGKILL' as const }, CRASH, 'killed by SIGKILL'],
    ['an exit without an error in the log', { code: 0, signal: null }, 'serving\n', 'exit code 0'],
    [
      'an end without code and signal',
      undefined,
      'TypeError: x is not a function\n',
      'ended: TypeError: x is not a function',
    ],
    [
      'an error record',
      { code: 78, signal: null },
      '{"level":"error","msg":"lease lost"}\n',
      'exit code 78: {"level":"error","msg":"lease lost"}',
    ],
    ['control characters', { code: 1, signal: null }, 'Error: \u001b[31mred\r\n', 'exit code 1: Error:  [31mred'],
  ])('describes %s', (_what, end, log, reason) => {
    expect(endReason(end, log)).toBe(reason);
  });

  it('is shorter than 250 characters', () => {
    expect(endReason({ code: 1, signal: null }, `Error: ${'x'.repeat(10_000)}`).length).toBeLessThan(250);
  });
});
