import { StandbyDemand } from './standby-demand';

const START = 1_000_000;

function after(creates: readonly [image: string, atMs: number][], named: { image: string; containers: number }[] = []) {
  const demand = new StandbyDemand();
  demand.setNamed(named);
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

describe('StandbyDemand', () => {
  it.each<Case>([
    ['wants nothing without creates', [], [], 8, 0, {}],
    ['wants nothing after a single create', [['a', 0]], [], 8, 10, {}],
    ['wants one after two in a minute', [['a', 0], ['a', 30_000]], [], 8, 30_000, { a: 1 }], // prettier-ignore
    ['wants none after two in more than a minute', [['a', 0], ['a', 61_000]], [], 8, 61_000, {}], // prettier-ignore
    ['wants as many as a burst had', [['a', 0], ['a', 10], ['a', 20]], [], 8, 30, { a: 3 }], // prettier-ignore
    ['uses the largest burst', [['a', 0], ['a', 1], ['a', 2], ['a', 9_000]], [], 8, 9_000, { a: 3 }], // prettier-ignore
    ['forgets a burst after a minute', [['a', 0], ['a', 1]], [], 8, 60_001, {}], // prettier-ignore
    ['stays within the budget', [['a', 0], ['a', 1], ['a', 2]], [], 2, 3, { a: 2 }], // prettier-ignore
    ['serves the latest first', [['a', 0], ['a', 1], ['b', 2], ['b', 3]], [], 3, 4, { b: 2, a: 1 }], // prettier-ignore
    ['wants named images without creates', [], [{ image: 'a', containers: 2 }], 8, 0, { a: 2 }],
    ['serves named before hot', [['b', 0], ['b', 1]], [{ image: 'a', containers: 2 }], 3, 2, { a: 2, b: 1 }], // prettier-ignore
    ['wants the larger of named and burst', [['a', 0], ['a', 1], ['a', 2]], [{ image: 'a', containers: 2 }], 8, 3, { a: 3 }], // prettier-ignore
    ['wants nothing on budget 0', [['a', 0], ['a', 1]], [{ image: 'a', containers: 2 }], 0, 2, {}], // prettier-ignore
  ])('%s', (...[, creates, named, budget, atMs, targets]) => {
    expect(after(creates, named)(budget, atMs)).toEqual(targets);
  });
});
