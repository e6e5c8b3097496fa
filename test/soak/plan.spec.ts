import { SeededRandom } from '../support/seeded-random';
import { type Lane, LANES, storyOf } from './plan';

const SHAPE = { gateways: 2, longestLines: 1_000 };
const lanes = Object.keys(LANES) as Lane[];
const plan = (seed: string): string =>
  JSON.stringify(
    lanes.map((lane) =>
      Array.from({ length: 20 }, (_, number) => storyOf(new SeededRandom(seed), lane, number, SHAPE)),
    ),
  );

describe('storyOf', () => {
  it('depends on the seed alone', () => {
    expect(plan('7')).toBe(plan('7'));
    expect(plan('7')).not.toBe(plan('8'));
  });

  it('gives an operation that is independent of earlier ones', () => {
    const random = new SeededRandom('7');
    for (let number = 0; number < 5; number++) storyOf(random, 'short', number, SHAPE);
    expect(storyOf(random, 'short', 9, SHAPE)).toEqual(storyOf(new SeededRandom('7'), 'short', 9, SHAPE));
  });
});
