import { type BenchStack } from '../bench-stack';
import { type Measured } from '../result';
import { burst, type Starter } from './starts';

/**
 * Cost of TLS, tokens, access reviews and audit log: warm starts through the stack's gateway, and through one without
 * them.
 */
export async function guardsCase(stack: BenchStack, rounds: number): Promise<Measured> {
  const unguarded = await stack.unguarded();
  const ours: number[] = [];
  const theirs: number[] = [];
  const own = { start: (id: string) => stack.create('warm', id), remove: (id: string) => stack.remove(id) };
  const both: readonly (readonly [string, Starter, number[]])[] = [
    ['o', own, ours],
    ['y', unguarded, theirs],
  ];
  for (let round = 0; round <= rounds; round++) {
    // the difference is smaller than the after-effects of the previous start, so the order alternates
    for (const [prefix, starter, took] of round % 2 === 0 ? both : both.toReversed()) {
      await stack.refilled(1);
      const one = await burst(starter, `guards-${prefix}${round}`, 1);
      if (round > 0) took.push(...one); // round 0 warms both up
    }
  }
  return { name: 'guards', unit: 'ms', ours, yardstick: { name: unguarded.name, values: theirs }, target: {} };
}
