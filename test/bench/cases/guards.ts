import { type BenchStack } from '../bench-stack';
import { type Measured } from '../result';
import { burst } from './starts';

/** What TLS, tokens, reviews and the audit log cost: warm starts through the stack's gateway, and through one without them. */
export async function guardsCase(stack: BenchStack, rounds: number): Promise<Measured> {
  const unguarded = await stack.unguarded();
  const own = { start: (id: string) => stack.create('warm', id), remove: (id: string) => stack.remove(id) };
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    await stack.refilled(1);
    const one = await burst(own, `guards-o${round}`, 1);
    await stack.refilled(1);
    const other = await burst(unguarded, `guards-y${round}`, 1);
    if (round === 0) continue; // both have warmed up
    ours.push(...one);
    theirs.push(...other);
  }
  return { name: 'guards', unit: 'ms', ours, yardstick: { name: unguarded.name, values: theirs }, target: {} };
}
