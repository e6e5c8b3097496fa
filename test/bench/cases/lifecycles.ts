import { type BenchStack } from '../bench-stack';
import { type Measured } from '../result';

const PARALLEL = 4;
const ROUND_MS = 5_000;

/** Whole cold lifecycles (start and removal) per second, four in parallel, ours and the yardstick's in turns. */
export async function lifecyclesCase(stack: BenchStack, rounds: number): Promise<Measured> {
  const plain = await stack.yardstick('plain');
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const own = async (id: string): Promise<void> => {
      await stack.create('cold', id);
      await stack.remove(id);
    };
    const other = async (id: string): Promise<void> => {
      await plain.start(id);
      await plain.remove(id);
    };
    ours.push(await perSecond((i) => own(`life-o${round}-${i}`)));
    theirs.push(await perSecond((i) => other(`life-y${round}-${i}`)));
  }
  const target = { ratio: { least: 1.2 } };
  return { name: 'lifecycles', unit: 'per s', ours, yardstick: { name: plain.name, values: theirs }, target };
}

async function perSecond(live: (index: number) => Promise<void>): Promise<number> {
  const started = performance.now();
  let count = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() - started < ROUND_MS) await live(count++);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return (count * 1000) / (performance.now() - started);
}
