import { setTimeout as sleep } from 'node:timers/promises';
import { memoryOf } from '../../support/process-usage';
import { type BenchStack } from '../bench-stack';
import { type Measured, percentile } from '../result';
import { timed } from '../timed';

/** Starts per second that two cores sustain; each also makes and removes one container. */
const RATE = 4;
const LIFE_MS = 2_000;
const SAMPLE_MS = 5_000;
/** The first fifth is start-up growth and does not count. */
const FIRST_SHARE = 0.2;
const LAST_SHARE = 0.8;

/**
 * Warm starts at a steady rate, each removed two seconds later.
 * @returns the start times, and the growth of the process that grew most: its memory in the last fifth of the time
 * relative to the second fifth
 */
export async function sustainedCase(stack: BenchStack, seconds: number, waiting: number): Promise<Measured[]> {
  await stack.refilled(waiting);
  const took: number[] = [];
  const samples: { readonly share: number; readonly memory: ReadonlyMap<string, number> }[] = [];
  const started = performance.now();
  const share = (): number => (performance.now() - started) / 1000 / seconds;
  const sampling = (async () => {
    while (share() < 1) {
      samples.push({ share: share(), memory: await memory(stack) });
      await sleep(SAMPLE_MS);
    }
  })();
  const lives: Promise<void>[] = [];
  for (let i = 0; share() < 1; i++) {
    await sleep(Math.max(0, started + (i * 1000) / RATE - performance.now()));
    const id = `sustained-${i}`;
    lives.push(
      (async () => {
        took.push(await timed(() => stack.create('warm', id)));
        await sleep(LIFE_MS);
        await stack.remove(id);
      })(),
    );
  }
  await Promise.all([...lives, sampling]);
  const growth = growths(samples);
  const [name, most] = [...growth].sort(([, one], [, other]) => other - one)[0] ?? ['', NaN];
  console.log([...growth].map(([process_, percent]) => `  ${process_} ${percent.toFixed(1)} %`).join('\n'));
  return [
    { name: 'sustained', unit: 'ms', ours: took, target: {} },
    { name: `sustained-growth (${name})`, unit: '%', ours: [most], target: { p50: 10 } },
  ];
}

async function memory({ stack }: BenchStack): Promise<ReadonlyMap<string, number>> {
  return new Map((await stack.status()).map(({ name, pid }) => [name, memoryOf(pid).rssMiB]));
}

/** @returns percent, by process name */
function growths(
  samples: readonly { readonly share: number; readonly memory: ReadonlyMap<string, number> }[],
): ReadonlyMap<string, number> {
  const size = (name: string, from: number, to: number): number =>
    percentile(
      samples.filter(({ share }) => share >= from && share < to).map(({ memory: of }) => of.get(name) ?? NaN),
      0.5,
    );
  const names = [...(samples[0]?.memory.keys() ?? [])];
  return new Map(
    names.map((name) => [name, (size(name, LAST_SHARE, 1) / size(name, FIRST_SHARE, 2 * FIRST_SHARE) - 1) * 100]),
  );
}
