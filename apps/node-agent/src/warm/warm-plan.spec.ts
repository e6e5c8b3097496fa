import { nextStep, type Waiting } from './warm-plan';

const one = (id: string, image = 'a', key = `${image}-1`): Waiting => ({ id, image, key });
const keys = new Map([
  ['a', 'a-1'],
  ['b', 'b-1'],
]);

it.each<[string, Waiting[], [string, number][], ReturnType<typeof nextStep>]>([
  ['nothing is wanted and nothing waits', [], [], undefined],
  ['as many wait as should', [one('1')], [['a', 1]], undefined],
  ['one is missing', [one('1')], [['a', 2]], { add: 'a' }],
  ['of two images, the second is missing', [one('1')], [['a', 1], ['b', 1]], { add: 'b' }], // prettier-ignore
  ['an image that the node does not have is waited for', [], [['c', 1]], undefined],
  ['one waits for nobody any more', [one('1')], [], { remove: one('1') }],
  ['one too many waits', [one('1'), one('2')], [['a', 1]], { remove: one('1') }],
  [
    'its image moved: it goes before another is made',
    [one('1', 'a', 'a-0')],
    [['a', 2]],
    { remove: one('1', 'a', 'a-0') },
  ],
  ['its image is gone', [one('1', 'c')], [['c', 1]], { remove: one('1', 'c') }],
  ['what is missing comes before what is too many', [one('1', 'b')], [['a', 1]], { add: 'a' }],
])('%s', (_case, waiting, targets, step) => {
  expect(nextStep(waiting, new Map(targets), keys)).toEqual(step);
});
