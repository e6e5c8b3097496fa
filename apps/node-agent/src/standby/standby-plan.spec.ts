import { nextStep, type StandbyContainer } from './standby-plan';

const one = (id: string, image = 'a', key = `${image}-1`): StandbyContainer => ({ id, image, key });
const keys = new Map([
  ['a', 'a-1'],
  ['b', 'b-1'],
]);

it.each<[string, StandbyContainer[], [string, number][], ReturnType<typeof nextStep>]>([
  ['does nothing without targets and containers', [], [], undefined],
  ['does nothing where targets are met', [one('1')], [['a', 1]], undefined],
  ['adds a missing container', [one('1')], [['a', 2]], { add: 'a' }],
  ['adds a missing container of the second image', [one('1')], [['a', 1], ['b', 1]], { add: 'b' }], // prettier-ignore
  ['does nothing for an image that the node does not have', [], [['c', 1]], undefined],
  ['removes a container without a target', [one('1')], [], { remove: one('1') }],
  ['removes a surplus container', [one('1'), one('2')], [['a', 1]], { remove: one('1') }],
  [
    'removes a container whose tag has moved before it adds another',
    [one('1', 'a', 'a-0')],
    [['a', 2]],
    { remove: one('1', 'a', 'a-0') },
  ],
  ['removes a container whose image is gone', [one('1', 'c')], [['c', 1]], { remove: one('1', 'c') }],
  ['adds a missing container before it removes a surplus one', [one('1', 'b')], [['a', 1]], { add: 'a' }],
])('nextStep: %s', (_case, waiting, targets, step) => {
  expect(nextStep(waiting, new Map(targets), keys)).toEqual(step);
});
