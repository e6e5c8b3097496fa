import { encodeOrder, type LaunchOrder } from './launch-order';

const ORDER: LaunchOrder = {
  hostname: 'box',
  user: 'app:extra',
  workingDir: '/tmp',
  volumes: ['/data'],
  args: ['sh', '-c', ''],
  env: ['HOME', 'A=1', 'B=x y'],
};

it('encodeOrder: writes the format that launcher.c reads', () => {
  const lists = ['1', '/data', '3', 'sh', '-c', '', '3', 'HOME', 'A=1', 'B=x y'];
  expect(encodeOrder(ORDER).toString()).toBe(['box', '404fb', 'app:extra', '/tmp', ...lists, 'end', ''].join('\0'));
});
