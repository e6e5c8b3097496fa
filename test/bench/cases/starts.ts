import { setTimeout as sleep } from 'node:timers/promises';
import { type Stage } from '@fsb/agent-api/agent-api';
import { type BenchStack, type YardstickName } from '../bench-stack';
import { type Measured, type Target } from '../result';
import { timed } from '../timed';

/** Pause before each measurement, so that the write-behind of one start does not slow down the next. */
const CALM_MS = 100;

/** A way to start something and remove it again. Only the start is measured. */
export interface Starter {
  start(id: string): Promise<unknown>;
  remove(id: string): Promise<void>;
}

export interface StartCase {
  readonly name: string;
  readonly pool: 'warm' | 'cold';
  /** the end of a start: process running after a FAST or STRONG create, or first output */
  readonly until?: 'FAST' | 'STRONG' | 'output';
  readonly yardstick: YardstickName;
  /** concurrent starts */
  readonly parallel: number;
  readonly rounds: number;
  readonly target: Target;
}

export interface MeasuredStarts extends Measured {
  /** stages of our own starts; empty for starts measured until the first output */
  readonly stages: readonly (readonly Stage[])[];
}

/** Time from the client's call to the running user process, ours and the yardstick's in turns. */
export async function startCase(
  stack: BenchStack,
  { pool, parallel, rounds, ...what }: StartCase,
): Promise<MeasuredStarts> {
  const yardstick = await stack.yardstick(what.yardstick);
  const { until = 'FAST' } = what;
  const stages: (readonly Stage[])[] = [];
  const own: Starter = {
    start: async (id) => {
      if (until === 'output') await stack.firstOutput(pool, id);
      else stages.push(await stack.create(pool, id, until));
    },
    remove: (id) => stack.remove(id),
  };
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    if (pool === 'warm') await stack.refilled(parallel);
    const one = await burst(own, `${what.name}-o${round}`, parallel);
    const other = await burst(yardstick, `${what.name}-y${round}`, parallel);
    if (round === 0) continue; // round 0 warms both up
    ours.push(...one);
    theirs.push(...other);
  }
  const { name, target } = what;
  return { name, unit: 'ms', ours, yardstick: { name: yardstick.name, values: theirs }, target, stages };
}

/** Milliseconds of each of `parallel` concurrent starts. */
export async function burst(starter: Starter, prefix: string, parallel: number): Promise<number[]> {
  await sleep(CALM_MS);
  const ids = Array.from({ length: parallel }, (_, i) => `${prefix}-${i}`);
  const took = await Promise.all(ids.map((id) => timed(() => starter.start(id))));
  await Promise.all(ids.map((id) => starter.remove(id)));
  return took;
}

/** Time from the death of the process and the delete call until nothing is left. */
export async function deleteCase(stack: BenchStack, rounds: number): Promise<Measured> {
  const plain = await stack.yardstick('plain');
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    await stack.create('cold', `delete-o${round}`);
    await plain.start(`delete-y${round}`);
    await sleep(CALM_MS);
    ours.push(await timed(() => stack.remove(`delete-o${round}`)));
    theirs.push(await timed(() => plain.remove(`delete-y${round}`)));
  }
  return { name: 'delete', unit: 'ms', ours, yardstick: { name: plain.name, values: theirs }, target: {} };
}

/** Consecutive starts without a pause, each removed while the next begins, so that refills run all the time. */
export async function mixedCase(stack: BenchStack, count: number, waiting: number): Promise<Measured> {
  const plain = await stack.yardstick('plain');
  const run = async (prefix: string, starter: Starter): Promise<number[]> => {
    const took: number[] = [];
    const removals: Promise<void>[] = [];
    for (let i = 0; i < count; i++) {
      const id = `${prefix}${i}`;
      took.push(await timed(() => starter.start(id)));
      removals.push(starter.remove(id));
    }
    await Promise.all(removals);
    return took;
  };
  await stack.refilled(waiting);
  const ours = await run('mixed-o', {
    start: (id) => stack.create('warm', id),
    remove: (id) => stack.remove(id),
  });
  const theirs = await run('mixed-y', plain);
  return { name: 'mixed', unit: 'ms', ours, yardstick: { name: plain.name, values: theirs }, target: {} };
}
