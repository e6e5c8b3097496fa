import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchStack } from './bench-stack';
import { type Measured, type Target } from './result';
import { type Yardstick } from './yardsticks';

/** Between two measurements: what the one left to do behind its answer is not the other's burden. */
const CALM_MS = 100;

/** Something that starts, and is removed again; the start alone is measured. */
type Starter = Pick<Yardstick, 'start' | 'remove'>;

export interface StartCase {
  readonly name: string;
  readonly pool: 'warm' | 'cold';
  /** what is waited for: its process, in the mode that is asked for, or its first output */
  readonly until?: 'FAST' | 'STRONG' | 'output';
  readonly yardstick: 'plain' | 'ctr';
  /** at a time */
  readonly parallel: number;
  readonly rounds: number;
  readonly target: Target;
}

/** Client call to user process running, ours and the yardstick's in turns. */
export async function startCase(stack: BenchStack, { pool, parallel, rounds, ...what }: StartCase): Promise<Measured> {
  const yardstick = stack.yardsticks[what.yardstick];
  const { until = 'FAST' } = what;
  const own: Starter = {
    start: (id) => (until === 'output' ? stack.firstOutput(pool, id) : stack.create(pool, id, until)),
    remove: (id) => stack.delete(id),
  };
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    if (pool === 'warm') await stack.refilled(parallel);
    const [one, other] = [await burst(own, `${what.name}-o${round}`, parallel), await burst(yardstick, `${what.name}-y${round}`, parallel)]; // prettier-ignore
    if (round === 0) continue; // both have warmed up
    ours.push(...one);
    theirs.push(...other);
  }
  return {
    name: what.name,
    unit: 'ms',
    ours,
    yardstick: { name: yardstick.name, values: theirs },
    target: what.target,
  };
}

/** How long each took to start, of so many at once. */
async function burst(starter: Starter, prefix: string, parallel: number): Promise<number[]> {
  await sleep(CALM_MS);
  const ids = Array.from({ length: parallel }, (_, i) => `${prefix}-${i}`);
  const took = await Promise.all(ids.map((id) => timed(() => starter.start(id))));
  await Promise.all(ids.map((id) => starter.remove(id)));
  return took;
}

/** From the call until nothing is left. */
export async function deleteCase(stack: BenchStack, rounds: number, target: Target): Promise<Measured> {
  const { plain } = stack.yardsticks;
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    await stack.create('cold', `delete-o${round}`);
    await plain.start(`delete-y${round}`);
    await sleep(CALM_MS);
    ours.push(await timed(() => stack.delete(`delete-o${round}`)));
    theirs.push(await timed(() => plain.remove(`delete-y${round}`)));
  }
  return { name: 'delete', unit: 'ms', ours, yardstick: { name: plain.name, values: theirs }, target };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
