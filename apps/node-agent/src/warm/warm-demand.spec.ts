import { WarmDemand } from './warm-demand';

const START = 1_000_000;

function after(creates: readonly [image: string, atMs: number][], named: { image: string; containers: number }[] = []) {
  const demand = new WarmDemand();
  demand.name(named);
  for (const [image, at] of creates) demand.created(image, START + at);
  return (budget: number, atMs: number) => Object.fromEntries(demand.targets(budget, START + atMs));
}

type Case = [
  name: string,
  creates: [image: string, atMs: number][],
  named: { image: string; containers: number }[],
  budget: number,
  atMs: number,
  targets: object,
];

describe('WarmDemand', () => {
  it.each<Case>([
    ['nobody asks', [], [], 8, 0, {}],
    ['one create makes nothing hot', [['a', 0]], [], 8, 10, {}],
    ['two within a minute do', [['a', 0], ['a', 30_000]], [], 8, 30_000, { a: 1 }], // prettier-ignore
    ['two in more than a minute do not', [['a', 0], ['a', 61_000]], [], 8, 61_000, {}], // prettier-ignore
    ['a burst is met whole', [['a', 0], ['a', 10], ['a', 20]], [], 8, 30, { a: 3 }], // prettier-ignore
    ['the largest burst counts', [['a', 0], ['a', 1], ['a', 2], ['a', 9_000]], [], 8, 9_000, { a: 3 }], // prettier-ignore
    ['a minute later it is forgotten', [['a', 0], ['a', 1]], [], 8, 60_001, {}], // prettier-ignore
    ['the budget bounds it', [['a', 0], ['a', 1], ['a', 2]], [], 2, 3, { a: 2 }], // prettier-ignore
    ['the latest image comes first', [['a', 0], ['a', 1], ['b', 2], ['b', 3]], [], 3, 4, { b: 2, a: 1 }], // prettier-ignore
    ['named ones need no traffic', [], [{ image: 'a', containers: 2 }], 8, 0, { a: 2 }],
    ['named ones come before hot ones', [['b', 0], ['b', 1]], [{ image: 'a', containers: 2 }], 3, 2, { a: 2, b: 1 }], // prettier-ignore
    ['a named one that is hot has as many as the larger says', [['a', 0], ['a', 1], ['a', 2]], [{ image: 'a', containers: 2 }], 8, 3, { a: 3 }], // prettier-ignore
    ['no budget, no containers', [['a', 0], ['a', 1]], [{ image: 'a', containers: 2 }], 0, 2, {}], // prettier-ignore
  ])('%s', (...[, creates, named, budget, atMs, targets]) => {
    expect(after(creates, named)(budget, atMs)).toEqual(targets);
  });
});
