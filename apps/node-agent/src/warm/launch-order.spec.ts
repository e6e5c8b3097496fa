import { encodeOrder, type LaunchOrder } from './launch-order';

const ORDER: LaunchOrder = {
  hostname: 'box',
  user: { uid: 7, gid: 8, additionalGids: [9, 10] },
  workingDir: '/tmp',
  program: '/bin/sh',
  args: ['sh', '-c', ''],
  env: ['A=1', 'B=x y'],
};

it('is what launcher.c reads', () => {
  const texts = ['box', '7', '8', '2', '9', '10', '404fb', '/tmp', '/bin/sh', '3', 'sh', '-c', '', '2', 'A=1', 'B=x y'];
  expect(encodeOrder(ORDER)?.toString()).toBe([...texts, 'end', ''].join('\0'));
});

it.each<[string, Partial<LaunchOrder>]>([
  ['too many bytes', { env: [`A=${'x'.repeat(61 * 1024)}`] }],
  ['too many texts', { args: Array.from({ length: 8_001 }, () => '') }],
  ['too many groups', { user: { uid: 0, gid: 0, additionalGids: Array.from({ length: 257 }, (_, i) => i) } }],
])('is not for the launcher: %s', (_case, more) => {
  expect(encodeOrder({ ...ORDER, ...more })).toBeUndefined();
});
